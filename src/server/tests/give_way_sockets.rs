//! G24: a server gives way to another at the same sockets, on workers of its own.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use crate::server::tests::peers::{Http1, Http2, body};
use crate::server::tests::rig::{Rig, give_way, soon};
use crate::server::worker::workers::Workers;

const LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// A server, its successor's listener, and where both are.
fn with_successor() -> (Rig, TcpListener, SocketAddr) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (at, successor) = (listener.local_addr().unwrap(), listener.try_clone().unwrap());
    let (server, told) = give_way();
    let rig = Rig::start(Workers::new(None), vec![listener.into()], server, told);
    successor.set_nonblocking(true).unwrap();
    (rig, TcpListener::from_std(successor).unwrap(), at)
}

async fn connect(at: SocketAddr) -> Http1<TcpStream> {
    Http1(TcpStream::connect(at).await.unwrap())
}

/// A connection that is served, and goes away once the server gives way.
async fn witness(at: SocketAddr) -> Http2 {
    let mut witness = Http2::connect(TcpStream::connect(at).await.unwrap()).await;
    assert_eq!(body(witness.send("/").await).await, "hello");
    witness
}

#[tokio::test]
async fn g24_a_successor_gets_the_new_connections_those_too_that_wait_when_the_drain_begins() {
    let (mut rig, successor, at) = with_successor();
    assert!(!connect(at).await.get().await);
    rig.server.give_way();
    rig.gave_way().await;
    for _ in 0..64 {
        let _peer = connect(at).await;
        soon(successor.accept()).await.unwrap();
    }
    let waiting = [connect(at).await, connect(at).await, connect(at).await];
    rig.drain(LIMIT).await.unwrap();
    for _ in &waiting {
        soon(successor.accept()).await.unwrap();
    }
    assert_eq!(rig.gauge.in_flight().unwrap().arrived, 1);
}

#[tokio::test]
async fn g24_a_server_whose_successor_died_gets_its_connections() {
    let (mut rig, successor, at) = with_successor();
    let mut old = connect(at).await;
    old.send("/held").await;
    rig.entered().await;
    let witness = witness(at).await;
    rig.server.give_way();
    witness.goes_away().await;
    // It waits for the successor, which does not take it any more.
    let mut waits = connect(at).await;
    drop(successor);
    rig.server.resume();
    assert!(!waits.get().await && !waits.get().await);
    rig.go();
    assert!(old.is_last("held").await);
    drop((old, waits));
    rig.drain(LIMIT).await.unwrap();
}

#[tokio::test]
async fn g24_what_was_dealt_to_a_worker_that_is_blocked_is_served_by_another() {
    let (mut rig, successor, at) = with_successor();
    let mut blocks = connect(at).await;
    blocks.send("/blocked").await;
    rig.entered().await;
    // The other worker has this one, and the next but one: the one between was dealt when that is answered.
    let witness = witness(at).await;
    let (mut waits, mut other) = (connect(at).await, connect(at).await);
    assert!(!other.get().await);
    rig.server.give_way();
    witness.goes_away().await;
    assert!(waits.get().await, "its answer is its last");
    rig.unblock();
    assert!(blocks.is_last("blocked").await);
    drop((blocks, waits, other));
    rig.gave_way().await;
    rig.drain(LIMIT).await.unwrap();
    drop(successor);
}
