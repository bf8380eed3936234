//! G24: a server gives way, resumes, and drains afterwards; in paused time, in memory.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

use crate::server::listen::InMemory;
use crate::server::tests::peers::{Http1, Http2, body, connect};
use crate::server::tests::rig::{Rig, give_way, in_memory};
use crate::server::worker::workers::Workers;

const MINUTE: Duration = Duration::from_secs(60);

/// Lets all others go on until they wait.
async fn settled() {
    sleep(Duration::from_millis(1)).await;
}

async fn http1(memory: &InMemory) -> Http1<tokio::io::DuplexStream> {
    Http1(connect(memory).await)
}

#[tokio::test(start_paused = true)]
async fn g24_a_server_that_gives_way_accepts_nobody_until_it_resumes() {
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    assert!(!http1(&memory).await.get().await);
    rig.server.give_way();
    settled().await;
    let mut waits = http1(&memory).await;
    waits.send("/").await;
    assert!(timeout(MINUTE, waits.read_to("hello")).await.is_err(), "it was served");
    assert_eq!(rig.connections(), 0);
    rig.server.resume();
    assert!(!waits.is_last("hello").await, "it is served in full");
    assert!(!waits.get().await);
    drop(waits);
    rig.drain(MINUTE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn g24_a_connection_that_is_kept_alive_stays_until_its_next_answer_which_is_its_last() {
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    let (mut idle, mut fresh, mut busy) = (http1(&memory).await, http1(&memory).await, http1(&memory).await);
    assert!(!idle.get().await);
    busy.send("/held").await;
    rig.entered().await;
    rig.server.give_way();
    sleep(MINUTE / 12).await;
    assert_eq!(rig.connections(), 3);
    for peer in [&mut idle, &mut fresh] {
        assert!(peer.get().await);
        assert_eq!(peer.rest().await, "");
    }
    assert!(!rig.has_told(), "a request is open");
    rig.go();
    assert!(busy.is_last("held").await);
    assert_eq!(busy.rest().await, "");
    drop((idle, fresh, busy));
    rig.gave_way().await;
    rig.drain(MINUTE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn g24_a_connection_of_http2_goes_away_when_its_calls_are_answered() {
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    let mut idle = Http2::connect(connect(&memory).await).await;
    assert_eq!(body(idle.send("/").await).await, "hello");
    let mut busy = Http2::connect(connect(&memory).await).await;
    let held = busy.send("/held").await;
    rig.entered().await;
    rig.server.give_way();
    idle.goes_away().await;
    settled().await;
    assert!(!busy.may_send().await, "it was told to go away");
    sleep(MINUTE / 6).await;
    assert!(!rig.has_told() && !busy.is_gone());
    rig.go();
    assert_eq!(body(held).await, "held");
    busy.goes_away().await;
    rig.gave_way().await;
    rig.drain(MINUTE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn g24_a_peer_that_speaks_after_the_server_gave_way_is_told_to_go_away() {
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    let io = connect(&memory).await;
    settled().await;
    assert_eq!(rig.connections(), 1);
    rig.server.give_way();
    settled().await;
    let peer = Http2::connect(io).await;
    peer.goes_away().await;
    rig.gave_way().await;
}

#[tokio::test(start_paused = true)]
async fn g24_nothing_is_ended_before_the_drain_which_ends_it_by_its_deadline() {
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    let mut events = Http2::connect(connect(&memory).await).await;
    let stream = events.send("/events").await.await.unwrap();
    let (mut held, mut idle) = (http1(&memory).await, http1(&memory).await);
    assert!(!idle.get().await);
    held.send("/held").await;
    rig.entered().await;
    rig.server.give_way();
    sleep(10 * MINUTE).await;
    assert_eq!(rig.connections(), 3);
    assert!(!rig.has_told());
    let began = Instant::now();
    let drained = rig.begin_drain(MINUTE);
    sleep(MINUTE / 2).await;
    assert!(!rig.has_told());
    let undrained = drained.await.unwrap().unwrap_err();
    let took = began.elapsed();
    assert!(took > MINUTE - MINUTE / 10 && took <= MINUTE, "{took:?}");
    assert_eq!((undrained.called_off, undrained.cut), (1, 0));
    assert_eq!(rig.gauge.streams_ended(), 1);
    assert_eq!(idle.rest().await, "");
    assert!(held.rest().await.starts_with("HTTP/1.1 503"));
    let mut stream = stream.into_body();
    while let Some(data) = stream.data().await {
        data.unwrap();
    }
    rig.gave_way().await;
}

#[tokio::test(start_paused = true)]
async fn g24_a_server_that_resumes_serves_new_connections_while_old_ones_go_on_leaving() {
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    let (mut idle, mut old) = (http1(&memory).await, Http2::connect(connect(&memory).await).await);
    assert!(!idle.get().await);
    let held = old.send("/held").await;
    rig.entered().await;
    rig.server.give_way();
    settled().await;
    rig.server.resume();
    let mut new = http1(&memory).await;
    assert!(!new.get().await && !new.get().await);
    assert_eq!(rig.connections(), 3);
    assert!(idle.get().await, "it was told once");
    assert!(!old.may_send().await);
    rig.go();
    assert_eq!(body(held).await, "held");
    old.goes_away().await;
    drop(idle);
    settled().await;
    assert!(!new.get().await);
    assert_eq!((rig.connections(), rig.gauge.parts()), (1, 1));
    assert!(!rig.has_told(), "it did not give way to the end");
    assert_eq!(rig.gauge.in_flight().unwrap().arrived, 6, "what is over was counted");
    drop(new);
    rig.drain(MINUTE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn g24_a_drain_ends_what_serves_and_what_has_not_left() {
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut peer = http1(&memory).await;
        peer.send("/held").await;
        rig.entered().await;
        held.push(peer);
        rig.server.give_way();
        settled().await;
        rig.server.resume();
        settled().await;
    }
    assert_eq!(rig.gauge.parts(), 4);
    let undrained = rig.drain(MINUTE).await.unwrap_err();
    assert_eq!((undrained.connections, undrained.called_off), (3, 3));
    for peer in &mut held {
        assert!(peer.rest().await.starts_with("HTTP/1.1 503"));
    }
}

#[tokio::test(start_paused = true)]
async fn g24_a_forced_end_drops_what_serves_and_what_has_not_left() {
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    let (mut old, mut new) = (http1(&memory).await, http1(&memory).await);
    for peer in [&mut old, &mut new] {
        peer.send("/held").await;
        rig.entered().await;
        rig.server.give_way();
        settled().await;
        rig.server.resume();
        settled().await;
    }
    let ended = rig.acceptor.ended();
    let (gauge, workers) = (rig.gauge.clone(), rig.workers.clone());
    drop(rig);
    let undrained = ended.await.unwrap().unwrap_err();
    assert_eq!((undrained.connections, undrained.cut), (2, 2));
    assert_eq!((old.rest().await, new.rest().await), (String::new(), String::new()));
    settled().await;
    assert_eq!(gauge.in_flight().unwrap().connections, 0);
    assert_eq!(workers.join(0).unwrap().watch.parts(), 0);
}

#[tokio::test(start_paused = true)]
async fn g24_each_order_to_give_way_is_answered_once() {
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    let mut held = http1(&memory).await;
    held.send("/held").await;
    rig.entered().await;
    rig.server.give_way();
    rig.server.give_way();
    settled().await;
    assert!(!rig.has_told());
    rig.go();
    assert!(held.is_last("held").await);
    drop(held);
    rig.gave_way().await;
    rig.gave_way().await;
    settled().await;
    assert!(!rig.has_told());
    rig.server.give_way();
    rig.gave_way().await;
    // One that was taken back is not answered, and one that nobody gave changes nothing.
    let mut held = http1(&memory).await;
    rig.server.resume();
    held.send("/").await;
    assert!(!held.is_last("hello").await);
    rig.server.resume();
    assert!(!held.get().await);
    rig.server.give_way();
    settled().await;
    rig.server.resume();
    drop(held);
    settled().await;
    assert!(!rig.has_told());
    rig.drain(MINUTE).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn g24_a_server_that_is_to_give_way_before_it_runs_accepts_nobody_until_it_resumes() {
    let memory = InMemory::new();
    let (server, mut told) = give_way();
    server.give_way();
    told.try_recv().expect("nothing is left of what does not run");
    let mut rig = Rig::start(Workers::of_this_thread(), in_memory(&memory).await, server, told);
    let mut waits = http1(&memory).await;
    waits.send("/").await;
    assert!(timeout(MINUTE, waits.read_to("hello")).await.is_err(), "it was served");
    assert!(!rig.has_told(), "it was told");
    rig.server.give_way();
    rig.gave_way().await;
    rig.server.resume();
    assert!(!waits.is_last("hello").await);
    drop(waits);
    rig.drain(MINUTE).await.unwrap();
    rig.server.give_way();
    rig.gave_way().await;
}

#[tokio::test(start_paused = true)]
async fn g24_giving_way_and_resuming_leaves_nothing_behind() {
    const ROUNDS: u64 = 200;
    let memory = InMemory::new();
    let mut rig = Rig::paused(&memory).await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    settled().await;
    let (before, mut last) = (tasks(), None);
    for round in 0..ROUNDS {
        let mut peer = http1(&memory).await;
        assert!(!peer.get().await);
        // Half of them are still there when the next round begins.
        last = (round % 2 == 0).then_some(peer);
        rig.server.give_way();
        if round % 3 > 0 {
            settled().await;
        }
        rig.server.resume();
    }
    drop(last);
    settled().await;
    assert_eq!((rig.gauge.parts(), rig.watched()), (1, 1));
    assert_eq!(tasks(), before);
    assert_eq!(rig.gauge.in_flight().unwrap().arrived, ROUNDS);
    rig.drain(MINUTE).await.unwrap();
}
