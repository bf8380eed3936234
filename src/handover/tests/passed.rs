//! G24: what is passed on arrives, is served at, and is nobody else's.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::process::{ADDRESSES, Folder, Process, who_serves};

/// What one serves at, by number.
fn served(process: &Process, who: &str) -> Vec<String> {
    let begin = format!("{who}: serves ");
    let lines = process.seen().iter().filter_map(|line| line.strip_prefix(&begin));
    lines.map(|line| line.split_once(" at ").unwrap().1.to_owned()).collect()
}

#[test]
fn g24_every_socket_arrives_under_the_address_that_was_written_for_it() {
    let folder = Folder::new();
    let path = folder.path("a");
    let name = format!("majordomo-passed-{}", std::process::id());
    let addresses =
        format!("127.0.0.1:0 unix:{}?mode=0622 unix-abstract:{name} 127.0.0.1:0 localhost:0", path.display());
    let mut old = Process::predecessor(&addresses);
    let old_pid = old.pid();
    let before = fs::metadata(&path).unwrap();
    old.order("start serve, ready, hear in_charge, hear released, hang");
    assert_eq!(old.wait_for("new: is"), format!("2 after {old_pid}"));
    old.wait_for("old: ready");
    assert_eq!(served(&old, "old"), served(&old, "new"));
    old.order_until("in_charge", "new: InCharge");
    old.order_until("close", "old: closed");
    for (number, address) in served(&old, "new").iter().enumerate() {
        assert_eq!(who_serves(address), format!("successor {number}"), "at {address}");
    }
    let after = fs::metadata(&path).unwrap();
    assert_eq!((before.ino(), before.permissions().mode()), (after.ino(), after.permissions().mode()));
    old.order_until("released", "new: Released");
    assert_eq!(who_serves(&format!("unix:{}", path.display())), "successor 1");
}

/// A predecessor that is passed a socket as systemd does it, twice, by two names; and where that is bound.
fn activated(names: &str, addresses: &str) -> (Process, String) {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let mut command = Command::new("sh");
    let script = "LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&2 4<&2 2>&1";
    command.args(["-c", script]).arg(std::env::current_exe().unwrap());
    command.stderr(Stdio::from(OwnedFd::from(socket)));
    command.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", names).env(ADDRESSES, addresses);
    (Process::start(command), address)
}

/// A predecessor at a Unix socket, and the address.
fn at_a_file(folder: &Folder) -> (Process, String, PathBuf) {
    let path = folder.path("a");
    let address = format!("unix:{}", path.display());
    (Process::predecessor(&address), address, path)
}

#[test]
fn g24_no_child_of_the_successor_has_a_socket_or_a_predecessor() {
    let mut old = Process::predecessor("127.0.0.1:0 127.0.0.1:0");
    old.order("start serve, child, ready, hang");
    let had = old.wait_for("new: a child has");
    assert!(had.starts_with("0 sockets of "), "{had}");
    let said = old.wait_for("new: the same as a child says:");
    assert!(said.contains("new: has no predecessor") && said.contains("new: over"), "{said}");
    old.wait_for("old: ready");
}

#[test]
fn g24_what_nobody_asked_for_is_closed_and_named_and_its_file_goes_with_the_predecessor() {
    let folder = Folder::new();
    let path = folder.path("a");
    let address = format!("unix:{}", path.display());
    let mut old = Process::predecessor(&format!("127.0.0.1:0 {address}"));
    old.order("start serve 127.0.0.1:0, ready, hear in_charge, hear released, hang");
    // The successor says the one, the predecessor the other.
    old.wait_for_all(&["old: ready", &format!("new: nobody asked for {address}, at {address}")]);
    // It is the predecessor's until that has let go.
    assert_eq!(who_serves(&address), "predecessor 1");
    old.order_until("in_charge", "new: InCharge");
    // It might serve there again until it stops.
    old.order("alone");
    old.order_until("close", "old: closed");
    assert!(path.exists());
    std::os::unix::net::UnixStream::connect(&path).unwrap_err();
    old.order_until("released", "new: Released");
    assert!(!path.exists());
}

#[test]
fn g24_the_file_of_a_socket_is_removed_by_the_last_process_that_serves_there() {
    let folder = Folder::new();
    let (mut old, address, path) = at_a_file(&folder);
    old.order("start serve, ready, hear in_charge, close, serve, hear gone, close");
    old.wait_for("old: ready");
    old.order_until("in_charge", "new: InCharge");
    // It may still be taken back, so that neither removes it.
    old.wait_for("new: closed");
    assert!(path.exists());
    old.wait_for("new: serves");
    old.order_until("close", "old: closed");
    assert!(path.exists());
    assert_eq!(who_serves(&address), "successor 0");
    // The end of the channel alone does not show that the old process has nothing any more.
    old.order("released");
    old.order("drop");
    old.wait_for("new: Gone");
    old.wait_for("new: closed");
    assert!(!path.exists());
}

#[test]
fn g24_a_successor_that_goes_while_it_could_be_taken_back_leaves_the_file_to_the_predecessor() {
    let folder = Folder::new();
    let (mut old, address, path) = at_a_file(&folder);
    old.order("start serve, ready, hear in_charge, close, exit 5");
    old.wait_for("old: ready");
    old.order("in_charge");
    let why = old.wait_for("old: gone");
    assert!(why.contains("exit status: 5") && why.contains("could still take back"), "{why}");
    assert_eq!(who_serves(&address), "predecessor 0");
    old.order_until("close", "old: closed");
    assert!(!path.exists());
}

#[test]
fn g24_a_server_that_is_set_up_again_has_the_same_socket_until_the_predecessor_has_let_go() {
    let folder = Folder::new();
    let (mut old, address, path) = at_a_file(&folder);
    let made = || fs::metadata(&path).unwrap().modified().unwrap();
    let first = made();
    old.order("start serve, close, serve, ready, hear in_charge, hear released, close, serve, hang");
    old.wait_for("old: ready");
    assert_eq!(made(), first);
    old.order_until("in_charge", "new: InCharge");
    old.order_until("close", "old: closed");
    assert_eq!(who_serves(&address), "successor 0");
    old.order_until("released", "new: closed");
    // From then on it is bound as any other.
    old.wait_for("new: serves 0");
    assert_eq!(who_serves(&address), "successor 0");
    assert_ne!(made(), first);
}

#[test]
fn g24_an_address_that_is_written_otherwise_by_now_is_found_where_it_is_bound() {
    let folder = Folder::new();
    let path = folder.path("a");
    let mut old = Process::predecessor(&format!("127.0.0.1:0 unix:{}", path.display()));
    let port = served(&old, "old")[0].rsplit_once(':').unwrap().1.to_owned();
    old.order(&format!(
        "start serve localhost:{port}+unix:{}?mode=0660, ready, hear in_charge, hang",
        path.display()
    ));
    old.wait_for("old: ready");
    assert_eq!(served(&old, "new"), served(&old, "old"));
    old.order_until("in_charge", "new: InCharge");
    old.order_until("close", "old: closed");
    assert_eq!(who_serves(&format!("127.0.0.1:{port}")), "successor 0");
}

#[test]
fn g24_a_path_that_another_process_took_is_refused_and_the_predecessor_serves_on() {
    let folder = Folder::new();
    let path = folder.path("a");
    let mut old = Process::predecessor(&format!("unix:{} 127.0.0.1:0", path.display()));
    let tcp = served(&old, "old")[1].clone();
    fs::remove_file(&path).unwrap();
    let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    old.order("start serve, ready, hang");
    let why = old.wait_for("old: gone");
    for word in ["the successor failed", path.to_str().unwrap(), "another process has put a file"] {
        assert!(why.contains(word), "{word:?} is not in: {why}");
    }
    assert_eq!(who_serves(&tcp), "predecessor 1");
    old.order_until("close", "old: closed");
    drop(other);
    assert!(path.exists(), "it is the other's");
}

#[test]
fn g24_a_file_that_is_gone_is_made_anew() {
    let folder = Folder::new();
    let (mut old, address, path) = at_a_file(&folder);
    fs::remove_file(&path).unwrap();
    old.order("start serve, ready, hang");
    old.wait_for("old: ready");
    assert_eq!(who_serves(&address), "successor 0");
}

#[test]
fn g24_what_systemd_passed_is_passed_on_with_its_names_also_what_nobody_serves_at() {
    let (mut old, address) = activated("web:spare", "systemd:web");
    old.order("start serve systemd:web+systemd:spare+systemd:, ready, hear in_charge, hang");
    old.wait_for("old: ready");
    let at = std::iter::repeat_n(address.clone(), 4).collect::<Vec<_>>();
    assert_eq!(served(&old, "new"), at);
    old.order_until("in_charge", "new: InCharge");
    old.order_until("close", "old: closed");
    assert!(who_serves(&address).starts_with("successor"));
}

#[test]
fn g24_a_successor_has_a_successor() {
    let folder = Folder::new();
    let path = folder.path("a");
    let mut old = Process::predecessor(&format!("127.0.0.1:0 127.0.0.1:0 unix:{}", path.display()));
    let at = served(&old, "old");
    old.order("start serve, ready, hear in_charge, hear released, next serve; ready; hear gone; hang");
    old.wait_for("old: ready");
    old.order_until("in_charge", "new: InCharge");
    // It stops, and takes nothing back when the second one ends.
    old.order("alone");
    old.order_until("close", "old: closed");
    old.order("released");
    old.wait_for("new: is 3 after");
    old.wait_for("new: passed on");
    // The second one has ended, and removed nothing; what it said last may not have gone before its end.
    old.wait_for("new: Gone");
    assert_eq!(served(&old, "new"), [at.clone(), at.clone()].concat());
    for (number, address) in at.iter().enumerate() {
        assert_eq!(who_serves(address), format!("successor {number}"));
    }
}

#[test]
fn g24_what_systemd_kept_of_a_process_that_is_gone_is_found_where_it_is_bound() {
    let (mut old, address) = activated("majordomo,0,127.0.0.1%3A0:majordomo,1,no%3A1", "127.0.0.1:0");
    assert_eq!(served(&old, "old"), [address.as_str()]);
    assert_eq!(old.order_until("unclaimed", "old: nobody asked for"), format!("no:1, at {address}"));
    assert_eq!(who_serves(&address), "predecessor 0");
}

#[test]
fn g24_what_systemd_keeps_is_had_again_by_the_next_life_of_its_server() {
    let folder = Folder::new();
    let path = folder.path("notify");
    let systemd = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let mut old = Process::predecessor_with("127.0.0.1:0", &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert_eq!(old.order_until("store", "old: stored"), "1");
    let mut bytes = [0; 64];
    let length = systemd.recv(&mut bytes).unwrap();
    assert_eq!(std::str::from_utf8(&bytes[..length]).unwrap(), "FDSTORE=1\nFDNAME=majordomo,0,127.0.0.1%3A0");
    old.order_until("close", "old: closed");
    old.order_until("serve", "old: serves");
    let at = served(&old, "old");
    assert_eq!(at[0], at[1]);
    assert_eq!(who_serves(&at[0]), "predecessor 0");
}
