//! One connection, in paused time.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::grpc::GrpcServerOptions;
use crate::grpc::call::connect_info::addresses;
use crate::grpc::tests::peer::{alone, nothing_served};
use crate::server::connection::serve::serve;
use crate::server::connection::state::Connection;
use crate::server::options::EngineOptions;
use crate::server::state::WorkerState;

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_speak_http2_in_ten_seconds_is_closed() {
    for preface in ["", "PRI * HTTP/2.0\r\n"] {
        let (mut peer, io) = tokio::io::duplex(1024);
        peer.write_all(preface.as_bytes()).await.unwrap();
        let began = tokio::time::Instant::now();
        let connection = Connection::new(Arc::default());
        serve(io, addresses(None, None), alone(&EngineOptions::default()), nothing_served(), connection)
            .await;
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_speaks_http2_may_be_idle_for_as_long_as_it_answers_pings() {
    let (peer, io) = tokio::io::duplex(64 * 1024);
    let (_sender, connection) = h2::client::handshake(peer).await.unwrap();
    let served = serve(
        io,
        addresses(None, None),
        alone(&EngineOptions::default()),
        nothing_served(),
        Connection::new(Arc::default()),
    );
    tokio::select! {
        () = served => panic!("the server closed the connection"),
        _ = connection => panic!("the connection ended"),
        () = tokio::time::sleep(Duration::from_secs(3600)) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_ping_is_closed() {
    let (peer, io) = tokio::io::duplex(64 * 1024);
    let (_sender, _connection) = h2::client::handshake(peer).await.unwrap();
    let began = tokio::time::Instant::now();
    serve(
        io,
        addresses(None, None),
        alone(&EngineOptions::default()),
        nothing_served(),
        Connection::new(Arc::default()),
    )
    .await;
    // The peer has a second to close it.
    assert_eq!(began.elapsed().as_secs(), 81);
}

/// How long a peer that says nothing once it has spoken HTTP/2 is kept: the last second is for it to close the connection.
async fn kept(options: &GrpcServerOptions) -> Option<u64> {
    let (peer, io) = tokio::io::duplex(64 * 1024);
    let (_sender, _connection) = h2::client::handshake(peer).await.unwrap();
    let began = tokio::time::Instant::now();
    let connection = Connection::new(Arc::default());
    let served = serve(io, addresses(None, None), alone(&options.engine), nothing_served(), connection);
    let day = tokio::time::timeout(Duration::from_secs(24 * 60 * 60), served).await;
    day.ok().map(|()| began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn pings_are_sent_and_waited_for_as_the_options_say() {
    let seconds = Duration::from_secs;
    let options = GrpcServerOptions::new().keepalive_interval(seconds(5)).keepalive_timeout(seconds(2));
    assert_eq!(kept(&options).await, Some(7 + 1));
    assert_eq!(kept(&GrpcServerOptions::new().keepalive_interval(None)).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_speak_is_closed_after_the_handshake_timeout() {
    let (_peer, io) = tokio::io::duplex(1024);
    let began = tokio::time::Instant::now();
    let options = GrpcServerOptions::new().handshake_timeout(Duration::from_secs(3));
    let connection = Connection::new(Arc::new(WorkerState::new(options.engine.clone(), Arc::default())));
    serve(io, addresses(None, None), alone(&options.engine), nothing_served(), connection).await;
    assert_eq!(began.elapsed().as_secs(), 3);
}
