//! What cannot work is refused before anything is set up.

use std::fs;
use std::net::TcpListener;

use majordomo::testing::{paused, start_paused};
use majordomo::{ConfigError, Manager, ManagerOptions, Operations, WaitForShutdown, http_service};
use support::{Folder, Journal, Probe, observe, options};

use crate::outside::{TOKEN, get, show_with};

/// Why a manager with this endpoint does not start; nothing of it has been set up.
async fn refused(operations: Operations) -> String {
    let journal = Journal::default();
    let options = options().operations(operations);
    let ended = observe(options, |manager| manager.service(Probe::new("a", &journal))).ended().await;
    ended.assert_exit_code(1);
    assert_eq!(journal.count("a: started"), 0);
    assert_eq!(ended.events.events().len(), 0);
    ended.error().to_string()
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
}

#[actix::test]
async fn g01_an_address_in_use_is_refused_at_once_by_whom_it_was_for() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let began = std::time::Instant::now();
    let error = refused(Operations::new(&address)).await;
    assert_says(&error, &["the operations endpoint", &address, "in use", "choose another address"]);
    assert!(began.elapsed().as_secs() < 10, "it is not tried again");
    let folder = Folder::new();
    let path = folder.path("ops.sock");
    let _taken = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let error = refused(Operations::new(format!("unix:{}", path.display()))).await;
    assert_says(&error, &["the operations endpoint", "ops.sock", "in use"]);
    let error = refused(Operations::new("unix:/nowhere/ops.sock")).await;
    assert_says(&error, &["/nowhere", "does not exist"]);
    assert_says(&refused(Operations::new("nonsense")).await, &["\"nonsense\"", "HOST:PORT"]);
}

#[actix::test]
async fn g23_a_token_that_cannot_be_used_is_refused_by_where_it_came_from() {
    let short = refused(Operations::new("0").token("fifteen-bytes-x")).await;
    assert_says(&short, &["Operations::token", "15 bytes", "give 16"]);
    assert!(!short.contains("fifteen-bytes-x"), "it is shown nowhere");
    let folder = Folder::new();
    let path = folder.path("token");
    let missing = refused(Operations::new("0").token_file(&path)).await;
    assert_says(&missing, &[path.to_str().unwrap(), "No such file", "must be there, and be readable"]);
    fs::write(&path, "short\n").unwrap();
    assert_says(&refused(Operations::new("0").token_file(&path)).await, &[path.to_str().unwrap(), "5 bytes"]);
    let folder_instead = refused(Operations::new("0").token_file(folder.path(""))).await;
    assert_says(&folder_instead, &["token file", "directory"]);

    fs::write(&path, format!("{TOKEN}\n")).unwrap();
    let options = options().operations(Operations::new("0").token_file(&path));
    let (observed, at) =
        show_with(options, |manager| manager.service(Probe::new("a", &Journal::default()))).await;
    observed.running().await;
    assert_eq!(crate::outside::order(at, "/orders/shutdown").await.status, 200);
    observed.ended().await.assert_ok();
}

#[test]
fn g01_no_server_has_the_same_address_and_none_has_a_socket_in_paused_time() {
    let web = || http_service("web", "127.0.0.1:9000", axum::Router::new());
    let operated = |address: &str| options().operations(Operations::new(address));
    let same = Manager::new(operated("9000")).service(web()).plan().unwrap_err();
    assert!(matches!(same, ConfigError::SameAddress { .. }), "{same}");
    assert_says(&same.to_string(), &["the operations endpoint", "web"]);
    let grpc =
        ManagerOptions::new().grpc_server_address("127.0.0.1:9000").operations(Operations::new("9000"));
    assert!(matches!(Manager::new(grpc).plan().unwrap_err(), ConfigError::SameAddress { .. }));

    paused(|| async move {
        let manager =
            start_paused(Manager::new(operated("9000")).service(Probe::new("a", &Journal::default())));
        let error = manager.send(WaitForShutdown).await.unwrap().unwrap_err().to_string();
        assert_says(&error, &["the operations endpoint", "127.0.0.1:9000", "paused time"]);
    });
}

#[actix::test]
async fn g22_the_endpoint_of_a_nested_manager_is_its_parent_s() {
    let child = || {
        let options = options().operations(Operations::new("nonsense"));
        Manager::new(options).service(Probe::new("inner", &Journal::default()))
    };
    let options = options().operations(crate::outside::operations());
    let (mut observed, at) =
        show_with(options, |manager| manager.service(majordomo::nested("child", child))).await;
    observed.running().await;
    let status = get(at, "/status").await.body;
    assert_says(&status, &["\"inner\""]);
    observed.shut_down();
    observed.ended().await.assert_ok();
}
