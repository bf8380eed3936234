//! Where a gRPC server listens: several addresses, Unix sockets, sockets that the process was started with.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

use majordomo::ping::{Ping, PingClient, PingServer};
use majordomo::{ManagerOptions, StageError};
use support::{Folder, Gate, Journal, Observed, Probe, Registers, ms, observe, options, within};
use tokio::sync::mpsc;
use tonic::transport::server::{TcpConnectInfo, UdsConnectInfo};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

pub(crate) fn at(addresses: impl IntoIterator<Item = impl Into<String>>) -> ManagerOptions {
    options().grpc_ping_service(true).grpc_server_addresses(addresses)
}

pub(crate) fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}

/// Pings a server at an address as it tells of it.
pub(crate) async fn ping(address: &str) -> Result<(), Status> {
    within("the answer to a ping", PingClient::new(connect(address).await).ping(())).await.map(drop)
}

pub(crate) async fn connect(address: &str) -> Channel {
    let uri = match address.strip_prefix("unix:") {
        Some(path) => format!("unix://{path}"),
        None => format!("http://{address}"),
    };
    let endpoint = Endpoint::from_shared(uri).unwrap();
    within("a connection", endpoint.connect()).await.unwrap_or_else(|error| panic!("{address}: {error:?}"))
}

async fn addresses_of(observed: &Observed) -> Vec<String> {
    observed.running().await;
    observed.status().await.grpc_addresses.iter().map(ToString::to_string).collect()
}

/// What is told of options that are refused before anything is started.
async fn refused(options: ManagerOptions) -> String {
    let ended = observe(options, |m| m).ended().await;
    ended.assert_exit_code(1);
    assert!(matches!(ended.error().setup(), Some(StageError::Config(_))), "{:?}", ended.result);
    ended.error().to_string()
}

/// What is told of an address that cannot be had.
pub(crate) async fn unusable(options: ManagerOptions) -> String {
    let ended = observe(options, |m| m).ended().await;
    ended.assert_exit_code(1);
    ended.events.assert_none("serving");
    ended.setup_errors().to_string()
}

#[actix::test]
async fn g02_a_server_serves_at_all_of_its_addresses_and_tells_of_each_in_order() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    let mut observed = observe(at(["127.0.0.1:0".into(), unix(&path), "[::1]:0".into()]), |m| m);
    let addresses = addresses_of(&observed).await;
    assert_eq!(addresses.len(), 3, "{addresses:?}");
    assert_eq!(addresses[1], unix(&path));
    for address in &addresses {
        ping(address).await.unwrap();
    }
    let status = observed.status().await;
    assert_eq!(status.grpc_address.unwrap().to_string(), addresses[0]);
    assert!(status.to_string().contains(&format!("gRPC on {}", addresses.join(", "))), "{status}");
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(json["grpc_addresses"], serde_json::json!(addresses));

    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    let lines: Vec<_> = addresses.iter().map(|address| format!("serving: {address}")).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).chain(["running"]).collect();
    ended.events.assert_in_order(&lines);
    assert_eq!(ended.events.count("serving"), 3);
    assert!(!path.exists());
}

/// Answers a ping by telling who asked.
struct Asked(mpsc::UnboundedSender<(bool, bool)>);

#[tonic::async_trait]
impl Ping for Asked {
    async fn ping(&self, request: Request<()>) -> Result<Response<()>, Status> {
        let extensions = request.extensions();
        let unix = extensions.get::<UdsConnectInfo>().is_some_and(|peer| {
            peer.peer_cred.is_some_and(|peer| peer.pid() == i32::try_from(std::process::id()).ok())
        });
        let tcp = extensions.get::<TcpConnectInfo>().is_some() && request.remote_addr().is_some();
        self.0.send((tcp, unix)).unwrap();
        Ok(Response::new(()))
    }
}

#[actix::test]
async fn handlers_see_peers_as_with_tonic() {
    let folder = Folder::new();
    let (tell, mut told) = mpsc::unbounded_channel();
    let service = Registers::new("asked", move |on| on.add_service(PingServer::new(Asked(tell.clone()))));
    let options = at(["127.0.0.1:0".into(), unix(&folder.path("a"))]).grpc_ping_service(false);
    let mut observed = observe(options, |m| m.grpc_service(service));
    let addresses = addresses_of(&observed).await;
    ping(&addresses[0]).await.unwrap();
    assert_eq!(told.recv().await, Some((true, false)));
    ping(&addresses[1]).await.unwrap();
    assert_eq!(told.recv().await, Some((false, true)));
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g01_addresses_that_cannot_be_are_refused_by_name_before_anything_starts() {
    let long = format!("unix:/{}", "a".repeat(200));
    for (addresses, words) in [
        (vec!["unix:"], vec!["\"unix:\"", "no path"]),
        (vec![&*long], vec![&*long, "201 bytes"]),
        (vec!["127.0.0.1:7000", "127.0.0.1:7000"], vec!["127.0.0.1:7000", "already"]),
        (vec!["unix:/tmp/a?mode=0888"], vec!["unix:/tmp/a?mode=0888", "\"0888\"", "octal"]),
        (vec!["unix-abstract:a?mode=0600"], vec!["unix-abstract:a?mode=0600", "no mode"]),
        (vec!["unix:/tmp/a", "unix:///tmp/a"], vec!["unix:///tmp/a", "already", "\"unix:/tmp/a\""]),
        (vec!["systemd:a", "systemd:"], vec!["\"systemd:\"", "already"]),
        (vec!["127.0.0.1:0", "nowhere"], vec!["nowhere", "no port"]),
        (vec![], vec!["grpc_server_addresses", "at least one"]),
    ] {
        let text = refused(at(addresses)).await;
        for word in words {
            assert!(text.contains(word), "{word:?} is not in: {text}");
        }
    }
}

#[actix::test]
async fn g02_a_server_that_cannot_have_one_of_its_addresses_gives_up_the_others() {
    let folder = Folder::new();
    let (mine, other) = (folder.path("mine"), folder.path("none/other"));
    let text = unusable(at([unix(&mine), unix(&other)])).await;
    assert!(text.contains("does not exist") && text.contains(&unix(&other)), "{text}");
    assert!(!mine.exists());
}

#[actix::test]
async fn g02_connecting_to_a_unix_socket_is_refused_before_the_run() {
    let folder = Folder::new();
    let path = folder.path("a");
    let gate = Gate::default();
    let slow = Probe::new("slow", &Journal::default()).setup({
        let gate = gate.clone();
        move |_| async move {
            gate.passed().await;
            Ok(())
        }
    });
    let mut observed = observe(at([unix(&path)]), |m| m.service(slow));
    observed.seen("setup_started slow").await;
    assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    gate.open();
    observed.running().await;
    ping(&unix(&path)).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[actix::test]
async fn g17_a_unix_socket_is_for_its_user_alone_unless_a_mode_is_given_from_the_moment_it_is_there() {
    let folder = Folder::new();
    let (own, group, all) = (folder.path("own"), folder.path("group"), folder.path("all"));
    let addresses =
        [unix(&own), format!("{}?mode=0660", unix(&group)), format!("unix://{}?mode=777", all.display())];
    let gate = Gate::default();
    let slow = Probe::new("slow", &Journal::default()).setup({
        let gate = gate.clone();
        move |_| async move {
            gate.passed().await;
            Ok(())
        }
    });
    let mut observed = observe(at(addresses), |m| m.service(slow));
    observed.seen("setup_started slow").await;
    let modes = || [&own, &group, &all].map(|path| mode_of(path));
    // Bound, and not listening yet.
    assert_eq!(modes(), [0o600, 0o660, 0o777]);
    gate.open();
    // Where it serves is told without the mode, as a client needs it.
    assert_eq!(addresses_of(&observed).await, [unix(&own), unix(&group), unix(&all)]);
    assert_eq!(modes(), [0o600, 0o660, 0o777]);
    ping(&unix(&group)).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g02_an_ipv4_address_that_is_written_as_one_of_ipv6_is_that_address() {
    let mut observed = observe(at(["[::ffff:127.0.0.1]:0"]), |m| m);
    let addresses = addresses_of(&observed).await;
    assert!(addresses[0].starts_with("127.0.0.1:"), "{addresses:?}");
    ping(&addresses[0]).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn a_socket_that_somebody_left_behind_is_replaced() {
    let folder = Folder::new();
    let path = folder.path("a");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let mut observed = observe(at([unix(&path)]), |m| m);
    observed.running().await;
    ping(&unix(&path)).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert!(!path.exists());
}

#[actix::test]
async fn g14_a_unix_socket_in_use_is_reported_when_shutdown_is_asked_and_left_alone() {
    let folder = Folder::new();
    let path = folder.path("a");
    let _other = UnixListener::bind(&path).unwrap();
    let mut observed = observe(at([unix(&path)]), |m| m);
    observed.seen("setup_started majordomo grpc").await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    let text = ended.setup_errors().to_string();
    assert!(text.contains("in use") && text.contains(&unix(&path)), "{text}");
    assert!(ended.took.unwrap() < ms(400) + ended.soon(), "{:?}", ended.took);
    UnixStream::connect(&path).unwrap();
}

#[actix::test]
async fn g14_a_unix_socket_in_use_is_served_on_once_it_is_free() {
    let folder = Folder::new();
    let path = folder.path("a");
    let other = UnixListener::bind(&path).unwrap();
    let mut observed = observe(at([unix(&path)]), |m| m);
    observed.seen("setup_started majordomo grpc").await;
    drop(other);
    observed.running().await;
    ping(&unix(&path)).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn what_is_no_socket_is_refused_at_once_and_left_alone() {
    let folder = Folder::new();
    let (file, dir, link) = (folder.path("file"), folder.path("dir"), folder.path("link"));
    fs::write(&file, "precious").unwrap();
    fs::create_dir(&dir).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for (path, what) in [(&file, "a file"), (&dir, "a folder"), (&link, "a symbolic link")] {
        let text = unusable(at([unix(path)])).await;
        assert!(text.contains(what) && text.contains("not a socket") && text.contains(&unix(path)), "{text}");
    }
    assert_eq!(fs::read(&link).unwrap(), b"precious");
    let other = folder.path("datagram");
    let _other = UnixDatagram::bind(&other).unwrap();
    let text = unusable(at([unix(&other)])).await;
    assert!(text.contains("cannot be asked"), "{text}");
}

#[actix::test]
async fn g10_the_file_of_a_server_that_is_forced_is_removed_too() {
    let folder = Folder::new();
    let path = folder.path("a");
    let mut observed = observe(at([unix(&path)]), |m| m);
    observed.running().await;
    let _connection = connect(&unix(&path)).await;
    observed.force();
    observed.ended().await;
    assert!(!path.exists());
}

#[actix::test]
async fn a_file_that_has_taken_the_place_of_ours_is_left_alone() {
    let folder = Folder::new();
    let path = folder.path("a");
    let mut observed = observe(at([unix(&path)]), |m| m);
    observed.running().await;
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
    UnixStream::connect(&path).unwrap();
}

#[cfg(target_os = "linux")]
#[actix::test]
async fn an_abstract_name_is_served_on() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("majordomo-{}", std::process::id());
    let mut observed = observe(at([format!("unix-abstract:{name}")]), |m| m);
    assert_eq!(addresses_of(&observed).await, [format!("unix-abstract:{name}")]);
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    UnixStream::connect_addr(&address).unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
    UnixStream::connect_addr(&address).unwrap_err();
}
