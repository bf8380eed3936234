//! Sockets that systemd passes.

use super::addresses::{at, ping, unix, unusable};
use majordomo::{
    Manager, ManagerError, ManagerOptions, RestartPolicy, RestartService, WaitForShutdown, WaitUntilRunning,
    http_service_fn,
};
use rustix::process::Signal;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, Stdio};
use std::time::Duration;
use support::Folder;
use support::child;
use support::child::Process;

#[actix::test]
async fn a_process_that_was_started_without_sockets_is_told_so() {
    for address in ["systemd:", "systemd:public"] {
        let text = unusable(at([address])).await;
        assert!(text.contains("without sockets") && text.contains(address), "{text}");
    }
}

/// What the processes of these tests do: serve at the addresses that they are told, separated by blanks; after `again`
/// three times in a row, and then tell what descriptors a child of theirs has; after `restart` over HTTP, by a service that is restarted.
#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    let result = actix::System::new().block_on(async move {
        if let Some(address) = program.strip_prefix("restart ") {
            return restart(address).await;
        }
        let Some(addresses) = program.strip_prefix("again ") else { return serve(&program).await };
        for _ in 0..3 {
            serve(addresses).await?;
            let listed = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
            let descriptors = String::from_utf8(listed.stdout).unwrap().replace('\n', " ");
            println!("\nchild: a child of its own has {descriptors}");
        }
        Ok(())
    });
    println!("\nchild: end {:?}", result.is_ok());
    majordomo::exit(result)
}

async fn serve(addresses: &str) -> Result<(), ManagerError> {
    let options = ManagerOptions::new().grpc_server_addresses(addresses.split(' '));
    let manager = Manager::new(options.max_shutdown_duration(Duration::from_secs(5))).start();
    match manager.send(WaitUntilRunning).await? {
        Ok(()) => println!("\nchild: running"),
        Err(error) => println!("\nchild: {}", error.to_string().replace('\n', " ")),
    }
    manager.send(WaitForShutdown).await?
}

async fn restart(address: &str) -> Result<(), ManagerError> {
    let web = http_service_fn("web", address, |_| async { Ok(axum::Router::new()) });
    let options = ManagerOptions::new().grpc_ping_service(false);
    let manager = Manager::new(options).service(web.restart(RestartPolicy::never())).start();
    let running = manager.send(WaitUntilRunning).await?;
    let restarted = manager.send(RestartService("web".into())).await?;
    println!("\nchild: running {:?}, restarted {restarted:?}", running.is_ok());
    manager.send(WaitForShutdown).await?
}

/// A process that is passed two sockets as systemd does it.
fn activated(addresses: &str, names: &str, first: impl Into<OwnedFd>, second: impl Into<OwnedFd>) -> Process {
    let mut command = Command::new("sh");
    let script = "LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&0 4<&2 0</dev/null 2>&1";
    command.args(["-c", script]).arg(std::env::current_exe().unwrap());
    command.stdin(Stdio::from(first.into())).stderr(Stdio::from(second.into()));
    command.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", names);
    child::start_by(command, module_path!(), addresses)
}

#[actix::test]
async fn sockets_that_systemd_passes_are_served_on_by_name_or_all_together() {
    for (addresses, names) in [("systemd:local systemd:public", "public:local"), ("systemd:", "a:a")] {
        let folder = Folder::new();
        let path = folder.path("a");
        let (tcp, unix_socket) =
            (std::net::TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind(&path).unwrap());
        let address = tcp.local_addr().unwrap().to_string();
        // It waits until the server runs.
        let early = std::net::TcpStream::connect(&address).unwrap();
        let mut process = activated(addresses, names, tcp, unix_socket);
        process.wait_for("child: running");
        ping(&address).await.unwrap();
        ping(&unix(&path)).await.unwrap();
        drop(early);
        process.signal(Signal::TERM);
        process.wait_for("child: end true");
        assert!(process.end().success());
        assert!(path.exists(), "the file is systemd's");
        std::net::TcpStream::connect(&address).unwrap_err();
    }
}

#[actix::test]
async fn sockets_that_systemd_passes_are_there_for_the_next_manager_too() {
    let folder = Folder::new();
    let path = folder.path("a");
    let (tcp, unix_socket) =
        (std::net::TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind(&path).unwrap());
    let address = tcp.local_addr().unwrap().to_string();
    let mut process = activated("again systemd:public systemd:local", "public:local", tcp, unix_socket);
    for _ in 0..3 {
        process.wait_for("child: running");
        ping(&address).await.unwrap();
        ping(&unix(&path)).await.unwrap();
        process.signal(Signal::TERM);
        // A child of that process has none of them: no descriptor but the three that everybody has.
        let descriptors = process.wait_for("child: a child of its own has");
        assert!(!descriptors.contains("socket:"), "{descriptors}");
    }
    process.wait_for("child: end true");
    assert!(process.end().success());
}

#[actix::test]
async fn a_server_that_is_restarted_has_the_socket_that_systemd_passed_again() {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let mut process =
        activated("restart systemd:public", "public:other", tcp, UnixDatagram::unbound().unwrap());
    process.wait_for("child: running true, restarted Ok(())");
    std::net::TcpStream::connect(address).unwrap();
    process.signal(Signal::TERM);
    process.wait_for("child: end true");
}

#[actix::test]
async fn sockets_that_systemd_passes_are_refused_where_they_cannot_serve() {
    for (addresses, words) in [
        ("systemd:other", ["named \"other\"", "\"a\", \"b\""]),
        ("systemd:b", ["\"b\"", "is no stream socket"]),
        ("systemd:", ["\"b\"", "is no stream socket"]),
    ] {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut process = activated(addresses, "a:b", tcp, UnixDatagram::unbound().unwrap());
        let line = process.wait_for("child: the manager failed");
        for word in words {
            assert!(line.contains(word), "{word:?} is not in: {line}");
        }
        assert_eq!(process.end().code(), Some(1));
    }
}
