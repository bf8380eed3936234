//! G5, G6, G8 and G10 with a gRPC server: calls in flight, connections that carry nothing, and what is left when all
//! is over.

use std::time::Duration;

use majordomo::{GrpcServerOptions, ManagerOptions, Stage};
use support::any_server::DELAY;
use support::crowd::{Crowd, ROUNDS, nobody_is_lost};
use support::rpc::{
    Calls, GOAWAY, connect, idle, is_answered, is_refused, options, ping, refused, silent, start_call,
    until_closed, until_end, whole_check,
};
use support::{Ended, Journal, Observed, Probe, ms, observe, within};
use tokio::net::TcpStream;

/// A limit that is not reached: what ends by then ended by itself.
const LONG: Duration = ms(10_000);
/// Connections that carry nothing delay the end by no more than this, the ends of all else included.
const AT_ONCE: Duration = ms(300);

fn long() -> ManagerOptions {
    options().max_shutdown_duration(LONG)
}

/// A clean end, so that nothing was forced or cut.
#[track_caller]
fn assert_clean(ended: &Ended, at_most: Duration) {
    ended.assert_ok();
    let took = ended.took.expect("it was asked by the test");
    println!("TOOK {:>4} ms", took.as_millis());
    assert!(took < at_most + ended.allowance, "it took {took:?}:\n{}", ended.events);
}

/// Pings over as many new connections as there are workers: each has taken up what was dealt to it before.
async fn all_dealt_out(address: std::net::SocketAddr) {
    for _ in 0..WORKERS {
        ping(connect(address).await).await.unwrap();
    }
}

const WORKERS: usize = 2;

fn two_workers() -> ManagerOptions {
    long().grpc_server(GrpcServerOptions::new().workers(WORKERS))
}

async fn shut_down(mut observed: Observed) -> Ended {
    observed.shut_down();
    observed.ended().await
}

#[actix::test]
async fn g05_during_the_drain_delay_calls_are_answered_over_new_connections_too() {
    let journal = Journal::default();
    let (calls, mut held) = Calls::new();
    let service = Probe::new("a", &journal).register_at_once(calls.register());
    let mut observed = observe(long().drain_delay(DELAY), |m| m.service_and_grpc(service));
    let address = observed.grpc_address().await;
    let channel = connect(address).await;
    let call = start_call(channel.clone(), "Hold");
    held.entered("Hold").await;

    observed.shut_down();
    observed.seen("draining").await;
    ping(channel.clone()).await.unwrap();
    ping(connect(address).await).await.unwrap();
    // All of that was within the delay: nobody has been asked to stop.
    assert_eq!(journal.count("a: shutdown"), 0);
    assert_eq!(observed.status().await.stage, Stage::Stopping);

    observed.seen("shutdown_started majordomo grpc").await;
    refused(address).await;
    held.go.open();
    assert_eq!(within("the held call", call).await.unwrap().unwrap(), b"held");
    let ended = observed.ended().await;
    assert_clean(&ended, DELAY + AT_ONCE);
    ended.events.assert_in_order(&["shutdown_requested", "draining", "shutdown_started a", "drained"]);
    assert!(ended.events.since_asked("shutdown_started a") >= DELAY - ms(1), "{}", ended.events);
    assert!(is_refused(address).await);
}

#[actix::test]
async fn g06_a_call_in_flight_finishes_with_its_resource_before_any_release() {
    let journal = Journal::default();
    let (calls, mut held) = Calls::new();
    let pool = Probe::new("a/pool", &journal);
    let resource = held.resource.clone();
    let service =
        Probe::new("a", &journal).register_at_once(calls.register()).setup_at_once(move |setup, _| {
            let _ = resource.set(setup.resources.start("pool", pool)?);
            Ok(())
        });
    let mut observed = observe(long(), |m| m.grpc_service(service));
    let address = observed.grpc_address().await;
    let call = start_call(connect(address).await, "UseResource");
    held.entered("UseResource").await;

    observed.shut_down();
    refused(address).await;
    assert_eq!(observed.status().await.stage, Stage::Stopping);
    assert_eq!(journal.count("a/pool: release"), 0);
    held.go.open();
    assert_eq!(within("the call", call).await.unwrap().unwrap(), b"used");
    let ended = observed.ended().await;
    assert_clean(&ended, ms(2000));
    ended.events.assert_in_order(&["drained", "releasing", "release_started a/pool", "stopped"]);
}

#[actix::test]
async fn g08_an_idle_client_does_not_delay_the_end() {
    let observed = observe(long(), |m| m);
    let channel = connect(observed.grpc_address().await).await;
    ping(channel.clone()).await.unwrap();
    assert_clean(&shut_down(observed).await, AT_ONCE);
    drop(channel);
}

#[actix::test]
async fn g08_fifty_idle_connections_do_not_delay_the_end() {
    let observed = observe(long(), |m| m);
    let address = observed.grpc_address().await;
    let mut channels = Vec::new();
    for _ in 0..50 {
        let channel = connect(address).await;
        ping(channel.clone()).await.unwrap();
        channels.push(channel);
    }
    assert_clean(&shut_down(observed).await, AT_ONCE);
}

#[actix::test]
async fn g08_fifty_idle_peers_that_acknowledge_nothing_do_not_delay_the_end() {
    let observed = observe(long(), |m| m);
    let address = observed.grpc_address().await;
    let mut peers = Vec::new();
    for _ in 0..50 {
        peers.push(idle(address).await);
    }
    assert_clean(&shut_down(observed).await, AT_ONCE);
    for peer in peers {
        until_closed(peer).await;
    }
}

#[actix::test]
async fn g19_whoever_is_connected_when_the_drain_begins_is_answered() {
    for _ in 0..ROUNDS {
        let observed = observe(two_workers(), |m| m);
        let address = observed.grpc_address().await;
        let connect = move || std::net::TcpStream::connect(address);
        nobody_is_lost(observed, Crowd::begin(connect, whole_check(), is_answered)).await;
    }
}

/// A peer that has sent so much of its preface is no hindrance.
async fn a_silent_peer_does_not_delay_the_end(sent: &str) {
    let observed = observe(two_workers(), |m| m);
    let address = observed.grpc_address().await;
    let peer = silent(address, sent).await;
    all_dealt_out(address).await;
    assert_clean(&shut_down(observed).await, AT_ONCE);
    until_closed(peer).await;
}

#[actix::test]
async fn g08_a_peer_that_never_sends_a_byte_does_not_delay_the_end() {
    a_silent_peer_does_not_delay_the_end("").await;
}

#[actix::test]
async fn g08_a_peer_that_sent_half_a_preface_does_not_delay_the_end() {
    a_silent_peer_does_not_delay_the_end("PRI * HTTP/2").await;
}

#[actix::test]
async fn g08_a_peer_that_does_not_speak_http2_at_all_does_not_delay_the_end() {
    let observed = observe(long(), |m| m);
    let address = observed.grpc_address().await;
    let peer = silent(address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    // It is refused at once, not only at the end.
    until_closed(peer).await;
    ping(connect(address).await).await.unwrap();
    assert_clean(&shut_down(observed).await, AT_ONCE);
}

#[actix::test]
async fn g08_without_a_limit_connections_that_carry_nothing_do_not_delay_the_end_either() {
    let observed = observe(two_workers().max_shutdown_duration(None), |m| m);
    let address = observed.grpc_address().await;
    let channel = connect(address).await;
    ping(channel.clone()).await.unwrap();
    let peers = [silent(address, "").await, silent(address, "PRI * HTTP/2").await, idle(address).await];
    all_dealt_out(address).await;
    assert_clean(&shut_down(observed).await, AT_ONCE);
    for peer in peers {
        until_closed(peer).await;
    }
}

#[actix::test]
async fn g10_idle_peers_are_told_to_go_away_and_their_connections_are_closed() {
    let observed = observe(long(), |m| m);
    let address = observed.grpc_address().await;
    let peer = idle(address).await;
    let ended = shut_down(observed).await;
    assert_clean(&ended, AT_ONCE);
    assert!(is_refused(address).await);
    let frames = until_end(peer).await;
    assert!(frames.kinds.contains(&GOAWAY), "the frames: {:?}", frames.kinds);
    // NO_ERROR: whatever the peer sent was in order.
    assert!(frames.codes.iter().all(|&code| code == 0), "{:?}", frames.codes);
}

#[actix::test]
async fn g10_clients_find_their_connection_closed_and_the_port_refusing_after_the_end() {
    let observed = observe(long(), |m| m);
    let address = observed.grpc_address().await;
    let channel = connect(address).await;
    ping(channel.clone()).await.unwrap();
    assert_clean(&shut_down(observed).await, AT_ONCE);
    ping(channel).await.unwrap_err();
    TcpStream::connect(address).await.unwrap_err();
}
