//! Plays the example `05_sorting_hat` as its users do: a server in a process of its own, its clients in others.

#[path = "common/folder.rs"]
mod folder;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use folder::Folder;
use rustix::process::{Pid, Signal, kill_process};

/// Where cargo puts the example, from where it put this test.
fn program() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push("05_sorting_hat");
    path.set_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "build the examples first: cargo build --examples ({})", path.display());
    path
}

/// A server, killed when it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(database: &Path) -> Self {
        let mut child = Command::new(program())
            .args(["serve", "127.0.0.1:0"])
            .arg(database)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("serving at ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, address }
    }

    /// What a client prints, on both, and its exit code.
    fn client(&self, command: &str, name: &str) -> (String, i32) {
        let output = Command::new(program()).args([command, &self.address, name]).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (String::from_utf8(text).unwrap(), output.status.code().unwrap())
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn callers_see_which_error_it_is_and_the_roster_survives_a_restart() {
    let folder = Folder::new();
    let database = folder.path("roster.sqlite3");
    let server = Server::start(&database);
    let (sorted, code) = server.client("sort", "Harry");
    assert!(sorted.starts_with("Harry: ") && code == 0, "{sorted}");

    let frames = "\n  at SortingHat on ";
    for (command, name, error) in [
        (
            "sort",
            "Harry",
            "(AlreadyExists | GRPEAKEC | 1002) resource already exists: a pupil is sorted once",
        ),
        ("find", "Dudley", "(ResourceExists | GRPEAKEC | 1001) requested resource not found"),
        ("sort", "", "(Validation | GRPEAKEC | 1003) client argument failed validation: a pupil has a name"),
        ("find", "", "(Validation | GRPEAKEC | 1003) client argument failed validation: a pupil has a name"),
    ] {
        let (told, code) = server.client(command, name);
        assert!(told.starts_with(error) && told.contains(frames) && code == 1, "{command} {name}: {told}");
        assert_eq!(told.contains("\n  pupil: Harry"), error.starts_with("(AlreadyExists"), "{told}");
        assert!(told.contains("\n  at Deputy Headmistress on "), "{told}");
    }
    server.stop();

    let server = Server::start(&database);
    assert_eq!(server.client("find", "Harry"), (sorted, 0));
    server.stop();
}

#[test]
fn of_many_who_sort_the_same_pupil_at_once_one_does() {
    let folder = Folder::new();
    let server = Server::start(&folder.path("roster.sqlite3"));
    let codes: Vec<_> = std::thread::scope(|scope| {
        let clients = [(); 4].map(|()| scope.spawn(|| server.client("sort", "Ron").1));
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    server.stop();
}

#[test]
fn a_database_that_fails_is_told_with_its_error() {
    let folder = Folder::new();
    let database = folder.path("roster.sqlite3");
    let server = Server::start(&database);
    rusqlite::Connection::open(&database).unwrap().execute("DROP TABLE pupils", []).unwrap();
    for command in ["sort", "find"] {
        let (told, code) = server.client(command, "Hermione");
        let error = "(RosterUpdate | Hogwarts | 2000) the roster could not be read or updated | from: SQLite: no such \
                     table: pupils";
        assert!(told.starts_with(error) && code == 1, "{told}");
    }
    server.stop();
}

#[test]
fn g03_a_database_that_cannot_be_opened_is_a_set_up_error_that_names_it() {
    let folder = Folder::new();
    let output = Command::new(program())
        .args(["serve", "127.0.0.1:0"])
        .arg(folder.path("no/such/folder"))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("cannot open the roster") && told.contains("no/such/folder"), "{told}");
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
}

#[test]
fn what_cannot_be_meant_is_told_the_usage() {
    for arguments in [&["sing"][..], &["sort", "127.0.0.1:1"], &["serve"]] {
        let output = Command::new(program()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("usage: "));
    }
}
