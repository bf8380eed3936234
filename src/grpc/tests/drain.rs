//! The drain, for each kind of connection that may be open.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::grpc::builtin::ping::PingClient;
use crate::grpc::tests::probe::{BIG, Probed};
use crate::grpc::tests::rig::{Bare, Ended, Rig, soon, stream, unary};
use crate::grpc::{DrainError, GrpcServerOptions};

/// So long that the end of a drain, its last tenth, takes as long as it ever may: busy machines need it.
const LIMIT: Duration = Duration::from_millis(1500);
/// What G8 allows beyond a deadline.
const TOLERANCE: Duration = Duration::from_millis(100);

/// What the shutdown had to tell, and how long it took.
async fn told(asked: Instant, ended: Ended) -> (DrainError, Duration) {
    let error = soon(ended).await.unwrap().unwrap_err();
    (error.downcast_ref::<DrainError>().unwrap().clone(), asked.elapsed())
}

/// Resolves when the peer has closed the connection, in whatever way.
async fn closed(mut tcp: TcpStream) {
    let mut rest = Vec::new();
    let _ = soon(tcp.read_to_end(&mut rest)).await;
}

#[actix::test]
async fn g08_connections_that_carry_nothing_are_closed_at_once() {
    let probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let channel = rig.channel().await;
    PingClient::new(channel.clone()).ping(()).await.unwrap();
    let silent = TcpStream::connect(rig.address).await.unwrap();
    let mut half = TcpStream::connect(rig.address).await.unwrap();
    half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    // A ping through each worker: what came before has been dealt out.
    for _ in 0..2 {
        PingClient::new(rig.channel().await).ping(()).await.unwrap();
    }

    // Without a deadline nothing is ever cut: these must end by themselves.
    soon(rig.stage.shut_down(None)).await.unwrap().unwrap();
    soon(rig.run).await.unwrap().unwrap();
    closed(silent).await;
    closed(half).await;
}

#[actix::test]
async fn g08_an_idle_peer_that_acknowledges_nothing_is_closed_after_its_grace() {
    let mut probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let mut peer = Bare::call(rig.address, "Unknown", false).await;
    peer.send();
    drop(peer.response().await);
    probed.entered.recv().await.unwrap();

    // From here on nobody drives this connection.
    soon(rig.stage.shut_down(None)).await.unwrap().unwrap();
    drop(peer);
}

#[actix::test]
async fn g08_an_idle_peer_is_told_to_go_away() {
    let probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let mut peer = Bare::call(rig.address, "Unknown", false).await;
    peer.send();
    drop(peer.response().await);
    let drive = actix_rt::spawn(peer.drive);
    soon(rig.stage.shut_down(None)).await.unwrap().unwrap();
    soon(drive).await.unwrap().expect("the connection ends in order, not by a reset");
}

#[actix::test]
async fn g08_a_call_in_flight_finishes_during_the_drain() {
    let mut probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let held = tokio::spawn(unary(rig.channel().await, "Hold"));
    probed.entered.recv().await.unwrap();

    let ended = rig.stage.shut_down(Duration::from_secs(60));
    soon(rig.draining()).await;
    probed.probe.go.cancel();
    assert_eq!(soon(held).await.unwrap().unwrap(), b"held");
    soon(ended).await.unwrap().unwrap();
    soon(rig.run).await.unwrap().unwrap();
}

#[actix::test]
async fn g08_a_slow_reader_gets_its_answer_whole_though_the_handler_has_returned() {
    let mut probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    // The windows of this peer hold 64 KiB, the answer is a MiB.
    let mut peer = Bare::call(rig.address, "Big", false).await;
    peer.send();
    let mut body = peer.response().await.into_body();
    probed.entered.recv().await.unwrap();

    let ended = rig.stage.shut_down(None);
    soon(rig.draining()).await;
    // Longer than an idle connection is given.
    tokio::time::sleep(Duration::from_millis(60)).await;
    actix_rt::spawn(peer.drive);
    let mut got = 0;
    while let Some(data) = soon(body.data()).await {
        let length = data.unwrap().len();
        got += length;
        body.flow_control().release_capacity(length).unwrap();
    }
    assert!(got > BIG);
    assert_eq!(soon(body.trailers()).await.unwrap().unwrap()["grpc-status"], "0");
    soon(ended).await.unwrap().unwrap();
}

#[actix::test]
async fn g08_an_endless_stream_is_answered_unavailable_before_the_deadline() {
    let probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let mut endless = stream(rig.channel().await, "Endless").await.unwrap();
    assert_eq!(endless.message().await.unwrap().unwrap(), b"first");

    let asked = Instant::now();
    let ended = rig.stage.shut_down(LIMIT);
    let status = soon(endless.message()).await.unwrap_err();
    assert!(asked.elapsed() < LIMIT, "{:?}", asked.elapsed());
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "server is shutting down"));
    let (error, took) = told(asked, ended).await;
    assert!(took < LIMIT, "{took:?}");
    assert_eq!((error.connections, error.unavailable, error.cut), (1, 1, 0), "{error}");
    let oldest = error.oldest.unwrap();
    assert_eq!(oldest.method, "/test.Probe/Endless");
    assert!(oldest.age >= LIMIT - TOLERANCE * 2 && oldest.age < LIMIT, "{:?}", oldest.age);
    soon(rig.run).await.unwrap().unwrap();
}

#[actix::test]
async fn g08_a_call_without_an_answer_yet_is_answered_unavailable() {
    let mut probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let held = tokio::spawn(unary(rig.channel().await, "Hold"));
    probed.entered.recv().await.unwrap();

    let asked = Instant::now();
    let (error, took) = told(asked, rig.stage.shut_down(LIMIT)).await;
    assert!(took < LIMIT, "{took:?}");
    assert_eq!((error.unavailable, error.cut), (1, 0), "{error}");
    let status = soon(held).await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "server is shutting down"));
    assert!(probed.probe.dropped.is_cancelled(), "the handler still runs");
}

#[actix::test]
async fn g08_a_call_whose_request_never_ends_is_answered_unavailable() {
    let probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let mut peer = Bare::call(rig.address, "Hold", false).await;
    soon(peer.arrived()).await;
    let asked = Instant::now();
    let ended = rig.stage.shut_down(LIMIT);
    let response = soon(peer.response()).await;
    assert_eq!(response.headers()["grpc-status"], "14");
    let (error, _) = told(asked, ended).await;
    assert_eq!((error.unavailable, error.cut), (1, 0), "{error}");
}

/// Whether its windows or the socket's buffers hold the answer back.
async fn a_peer_that_stopped_reading_is_cut(greedy: bool) {
    let probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let mut peer = Bare::call(rig.address, "Flood", greedy).await;
    peer.send();
    let _body = peer.response().await.into_body();
    let asked = Instant::now();
    let (error, took) = told(asked, rig.stage.shut_down(LIMIT)).await;
    assert!(took < LIMIT + TOLERANCE, "{took:?}");
    assert_eq!((error.connections, error.cut), (1, 1), "{error}");
    assert_eq!(error.oldest.unwrap().method, "/test.Probe/Flood");
    assert_eq!(error.methods["/test.Probe/Flood"], 1);
    soon(rig.run).await.unwrap().unwrap();
    // The connection is gone; whoever does not read does not learn how.
    let _ = soon(peer.drive).await;
}

#[actix::test]
async fn g08_a_peer_that_grants_no_window_is_cut_at_the_deadline() {
    a_peer_that_stopped_reading_is_cut(false).await;
}

#[actix::test]
async fn g08_a_peer_that_does_not_read_its_socket_is_cut_at_the_deadline() {
    a_peer_that_stopped_reading_is_cut(true).await;
}

#[actix::test]
async fn g08_a_handler_that_blocks_its_thread_is_named_at_the_deadline() {
    let mut probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let blocked = tokio::spawn(unary(rig.channel().await, "Block"));
    probed.entered.recv().await.unwrap();

    let asked = Instant::now();
    let (error, took) = told(asked, rig.stage.shut_down(LIMIT)).await;
    assert!(took < LIMIT + TOLERANCE, "{took:?}");
    assert_eq!(error.blocked_workers, ["server-worker-0"], "{error}");
    assert_eq!((error.connections, error.cut), (1, 0), "{error}");
    assert!(error.to_string().contains("the oldest call, /test.Probe/Block, had run for"), "{error}");
    soon(rig.run).await.unwrap().unwrap();

    // Once it yields, its worker ends after all, and closes its connection; perhaps it answers before.
    drop(probed.unblock);
    let _answer = soon(blocked).await.unwrap();
}

#[actix::test]
async fn g08_a_blocked_worker_costs_connections_on_others_nothing() {
    let mut probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let blocked = tokio::spawn(unary(rig.channel().await, "Block"));
    probed.entered.recv().await.unwrap();
    // The next in turn.
    let channel = rig.channel().await;
    soon(PingClient::new(channel).ping(())).await.unwrap();
    drop(probed.unblock);
    soon(blocked).await.unwrap().unwrap();
}

#[actix::test]
async fn g17_new_connections_pass_over_a_worker_that_a_handler_blocks() {
    let mut probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let blocked = tokio::spawn(unary(rig.channel().await, "Block"));
    probed.entered.recv().await.unwrap();
    for _ in 0..8 {
        soon(PingClient::new(rig.channel().await).ping(())).await.unwrap();
    }
    drop(probed.unblock);
    soon(blocked).await.unwrap().unwrap();
    for _ in 0..4 {
        soon(PingClient::new(rig.channel().await).ping(())).await.unwrap();
    }
}

#[actix::test]
async fn g17_a_handler_that_blocks_its_worker_is_told_while_it_lasts_and_when_it_is_over() {
    let mut probed = Probed::new();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (options, limit) = (GrpcServerOptions::new().workers(2), Some(Duration::from_millis(100)));
    let rig = Rig::serve_telling(&probed.probe, options, limit, move |stall| drop(tell.send(stall))).await;
    let blocked = tokio::spawn(unary(rig.channel().await, "Block"));
    probed.entered.recv().await.unwrap();
    let stall = soon(told.recv()).await.unwrap();
    assert_eq!((&*stall.method, &*stall.thread, stall.over), ("/test.Probe/Block", "server-worker-0", false));
    assert!(stall.lasted >= Duration::from_millis(100), "{stall:?}");
    let stuck = rig.gauge.in_flight().unwrap().stuck;
    assert_eq!((stuck.len(), &*stuck[0].method), (1, "/test.Probe/Block"));
    drop(probed.unblock);
    soon(blocked).await.unwrap().unwrap();
    let over = soon(told.recv()).await.unwrap();
    assert!(over.over && over.method == stall.method && over.lasted >= stall.lasted, "{over:?}");
    assert!(rig.gauge.in_flight().unwrap().stuck.is_empty());
}

#[actix::test]
async fn g10_a_forced_server_closes_every_connection_at_once() {
    let mut probed = Probed::new();
    let mut rig = Rig::serve(&probed.probe).await;
    let held = tokio::spawn(unary(rig.channel().await, "Hold"));
    probed.entered.recv().await.unwrap();
    let silent = TcpStream::connect(rig.address).await.unwrap();
    let mut endless = stream(rig.channel().await, "Endless").await.unwrap();
    endless.message().await.unwrap().unwrap();

    // A drain without a deadline would wait for ever.
    let ended = rig.stage.shut_down(None);
    soon(rig.draining()).await;
    soon(rig.stage.force()).await;
    soon(held).await.unwrap().unwrap_err();
    soon(endless.message()).await.unwrap_err();
    closed(silent).await;
    soon(probed.probe.dropped.cancelled()).await;
    // Its answers are gone with the actor, or tell the truth.
    if let Ok(answer) = soon(ended).await {
        let error = answer.unwrap_err();
        let error = error.downcast_ref::<DrainError>().unwrap();
        assert_eq!((error.connections, error.cut, error.blocked_workers.len()), (2, 2, 0), "{error}");
    }
}

#[actix::test]
async fn g10_a_forced_server_that_was_not_even_asked_closes_its_port() {
    let probed = Probed::new();
    let mut rig = Rig::serve(&probed.probe).await;
    let silent = TcpStream::connect(rig.address).await.unwrap();
    soon(rig.stage.force()).await;
    soon(rig.draining()).await;
    closed(silent).await;
}

#[actix::test]
async fn g10_nothing_of_a_forced_server_runs_once_its_thread_has_ended() {
    let mut probed = Probed::new();
    let mut rig = Rig::serve(&probed.probe).await;
    let held = tokio::spawn(unary(rig.channel().await, "HoldSlowly"));
    probed.entered.recv().await.unwrap();

    soon(rig.stage.force()).await;
    soon(rig.stage.end_thread()).await;
    assert!(probed.probe.dropped.is_cancelled(), "a handler still runs");
    let refused = TcpStream::connect(rig.address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    soon(held).await.unwrap().unwrap_err();
}
