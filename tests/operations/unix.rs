//! G23: the endpoint at a Unix socket.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::{fs, thread};

use majordomo::Operations;
use rustix::process::{Gid, Uid};
use support::{Client, Folder, Journal, Observed, Probe, observe, options, within};
use tokio::net::UnixStream;

use crate::outside::{Follower, assert_refused, request};

async fn at(address: String) -> Observed {
    let options = options().operations(Operations::new(address));
    let observed = observe(options, |manager| manager.service(Probe::new("a", &Journal::default())));
    observed.running().await;
    observed
}

fn address(path: &Path) -> String {
    format!("unix:{}", path.display())
}

async fn connect(path: &Path) -> Client<UnixStream> {
    Client(within("a connection", UnixStream::connect(path)).await.unwrap())
}

#[actix::test]
async fn g23_the_same_user_gives_orders_at_a_socket_of_its_own_that_goes_with_the_manager() {
    let folder = Folder::new();
    let path = folder.path("ops.sock");
    // What was left of another process.
    drop(UnixListener::bind(&path).unwrap());
    let observed = at(address(&path)).await;
    let file = fs::metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let mut client = connect(&path).await;
    client.send(&request("GET /readyz", &[])).await;
    assert_eq!(client.answer().await.status, 200);
    let mut follower = Follower::of(connect(&path).await).await;
    // By a host of any name, since no page can reach it; but not for a page.
    client.send("GET /livez HTTP/1.1\r\nHost: any\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
    client.send(&request("POST /orders/shutdown", &["Origin: http://localhost"])).await;
    assert_refused(&client.answer().await, 403, &["another origin"]);
    client.send(&request("POST /orders/shutdown", &[])).await;
    assert_eq!(client.answer().await.body, r#"{"ok":true}"#);
    assert_eq!(follower.rest().await.last().unwrap()["event"], "stopped");
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(!path.exists());
    let first = serde_json::to_value(&*ended.events.events()[0]).unwrap();
    assert_eq!((&first["event"], &first["address"]), (&"operations".into(), &address(&path).into()));
}

/// What another user is answered who connects there; `None` where it may not. A thread of this process becomes that user, which
/// only root can do: by another the question is asked as itself.
fn ask_as_another(path: PathBuf, asked: String) -> Option<String> {
    use std::io::{Read, Write};
    let ask = move || {
        if rustix::process::geteuid().is_root() {
            let (group, user) = (Gid::from_raw(65534), Uid::from_raw(65534));
            rustix::thread::set_thread_groups(&[]).unwrap();
            rustix::thread::set_thread_res_gid(group, group, group).unwrap();
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
        }
        let mut stream = StdStream::connect(path).ok()?;
        stream.write_all(asked.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        Some(answer)
    };
    thread::spawn(ask).join().unwrap()
}

#[actix::test]
async fn g23_another_user_does_not_reach_the_socket_and_gives_no_orders_where_it_does() {
    let is_root = rustix::process::geteuid().is_root();
    let folder = Folder::new();
    let (own, shared) = (folder.path("own.sock"), folder.path("shared.sock"));
    let order = request("POST /orders/shutdown", &["Connection: close"]);
    let reading = request("GET /livez", &["Connection: close"]);
    let ask = |path: &Path, asked: &str| {
        let (path, asked) = (path.to_owned(), asked.to_owned());
        actix_rt::task::spawn_blocking(move || ask_as_another(path, asked))
    };

    let mut observed = at(address(&own)).await;
    assert_eq!(ask(&own, &reading).await.unwrap().is_some(), !is_root);
    observed.shut_down();
    observed.ended().await.assert_ok();

    // The program may let others look; it lets nobody else give orders.
    let mut observed = at(format!("{}?mode=0666", address(&shared))).await;
    assert!(ask(&shared, &reading).await.unwrap().unwrap().starts_with("HTTP/1.1 200"));
    let answer = ask(&shared, &order).await.unwrap().unwrap();
    let wanted = if is_root { "HTTP/1.1 403" } else { "HTTP/1.1 200" };
    assert!(answer.starts_with(wanted), "{answer}");
    assert_eq!(observed.events().count("shutdown_requested"), usize::from(!is_root));
    observed.shut_down();
    observed.ended().await.assert_ok();
}
