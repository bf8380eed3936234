//! The drain, and peers that do not go along with it, in paused time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::grpc::GrpcServerOptions;
use crate::grpc::tests::peer::Peer;
use crate::grpc::tests::probe::{BIG, Probed};
use crate::grpc::tests::raw::{ACK, DATA, HEADERS, PING, Raw, SETTINGS, call, frame, open};
use crate::server::drain::Timetable;
use crate::server::state::WorkerState;

const PING_METHOD: &str = "/pkping.Ping/Ping";
const WHOLE: Duration = Duration::from_secs(3);
/// HTTP/2's setting of the window that a stream begins with, of nothing.
const NO_WINDOW: [u8; 6] = [0, 4, 0, 0, 0, 0];
/// The same, as large as it gets.
const WINDOW: [u8; 6] = [0, 4, 0x7f, 0xff, 0xff, 0xff];

/// What came of a peer that is served during a drain: how long that took, by how many times as much of the whole.
async fn ended(peer: &mut Raw, began: Instant) -> f64 {
    (&mut peer.served).await.unwrap();
    let worker = &peer.connection.worker;
    let told = [&worker.cut, &worker.cut_with_calls].map(|count| count.load(Ordering::Relaxed));
    assert_eq!((told, worker.called_off_calls().open()), ([0, 0], 0), "it is nobody's failure");
    began.elapsed().div_duration_f64(WHOLE)
}

/// A peer that calls every 10 ms for as long as it is served; how its calls ended is read, and settings and pings are
/// acknowledged if it is so minded.
async fn calls_on(acknowledges: bool) -> f64 {
    let probed = Probed::new();
    let mut peer = Raw::connect(&GrpcServerOptions::new(), &probed.probe, 1 << 20, &[]).await;
    let mut stream = 1;
    let mut began = None;
    while !peer.served.is_finished() {
        // It may be closed by now.
        let _ = peer.io.write_all(&call(stream, PING_METHOD)).await;
        if stream == 101 {
            peer.drain(WHOLE);
            began = Some(Instant::now());
        }
        stream += 2;
        tokio::time::sleep(Duration::from_millis(10)).await;
        while let Ok(Some((kind, flags, _, payload))) =
            tokio::time::timeout(Duration::from_nanos(1), peer.read()).await
        {
            if acknowledges && [SETTINGS, PING].contains(&kind) && flags & ACK == 0 {
                let _ =
                    peer.io.write_all(&frame(kind, ACK, 0, if kind == PING { &payload } else { &[] })).await;
            }
        }
        assert!(stream < 10_000, "it is served for ever");
    }
    ended(&mut peer, began.expect("it was closed before the drain")).await
}

#[tokio::test(start_paused = true)]
async fn g17_a_peer_that_acknowledges_nothing_and_calls_on_holds_up_no_drain() {
    let took = calls_on(false).await;
    // A quarter for new calls, an eighth for the last answer to arrive.
    assert!((0.36..0.39).contains(&took), "{took} of the time");
}

#[tokio::test(start_paused = true)]
async fn g17_a_peer_that_acknowledges_and_calls_on_holds_up_no_drain() {
    let took = calls_on(true).await;
    // It never closes.
    assert!((0.12..0.15).contains(&took), "{took} of the time");
}

#[tokio::test(start_paused = true)]
async fn g17_calls_that_come_late_are_unavailable_and_one_that_was_let_in_finishes() {
    let mut probed = Probed::new();
    let mut peer = Raw::connect(&GrpcServerOptions::new(), &probed.probe, 1 << 20, &[]).await;
    peer.io.write_all(&call(1, "/test.Probe/Hold")).await.unwrap();
    probed.entered.recv().await.unwrap();
    peer.drain(WHOLE);
    tokio::time::sleep(WHOLE / 2).await;
    peer.io.write_all(&call(3, "/test.Probe/Hold")).await.unwrap();
    let refused = loop {
        let (kind, _, stream, payload) = peer.read().await.unwrap();
        if (kind, stream) == (HEADERS, 3) {
            break payload;
        }
    };
    // HPACK spells digits as they are or by a code of Huffman's; its message is found either way by being alone.
    assert!(!refused.is_empty() && probed.entered.try_recv().is_err(), "it was handled");
    probed.probe.go.cancel();
    let held = loop {
        let (kind, _, stream, payload) = peer.read().await.unwrap();
        if (kind, stream) == (DATA, 1) {
            break payload;
        }
    };
    assert!(held.ends_with(b"held"));
    peer.served.await.unwrap();
    assert_eq!(peer.connection.worker.cut.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn g17_a_peer_that_grants_no_window_for_its_answer_holds_up_no_drain() {
    let probed = Probed::new();
    let mut peer = Raw::connect(&GrpcServerOptions::new(), &probed.probe, 1 << 20, &NO_WINDOW).await;
    for stream in [1, 3, 5] {
        peer.io.write_all(&call(stream, PING_METHOD)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(peer.connection.waits_for_its_peer());
    peer.drain(WHOLE);
    let took = ended(&mut peer, Instant::now()).await;
    assert!(took <= 0.51, "{took} of the time");
}

#[tokio::test(start_paused = true)]
async fn g17_a_peer_that_does_not_read_its_socket_holds_up_no_drain() {
    let probed = Probed::new();
    let mut peer = Raw::connect(&GrpcServerOptions::new(), &probed.probe, 1024, &WINDOW).await;
    for stream in 0..100 {
        peer.io.write_all(&call(2 * stream + 1, PING_METHOD)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(peer.connection.blocked_since().is_some());
    peer.drain(WHOLE);
    let took = ended(&mut peer, Instant::now()).await;
    assert!(took <= 0.51, "{took} of the time");
}

#[tokio::test(start_paused = true)]
async fn g17_a_peer_whose_pings_are_answered_is_not_taken_for_one_that_reads() {
    let probed = Probed::new();
    let mut peer = Raw::connect(&GrpcServerOptions::new(), &probed.probe, 1 << 20, &NO_WINDOW).await;
    peer.io.write_all(&call(1, PING_METHOD)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    peer.drain(WHOLE);
    let began = Instant::now();
    while !peer.served.is_finished() {
        let _ = peer.io.write_all(&frame(PING, 0, 0, &[0; 8])).await;
        let _ = tokio::time::timeout(Duration::from_millis(10), peer.read()).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = ended(&mut peer, began).await;
    assert!(took <= 0.52, "{took} of the time");
}

#[tokio::test(start_paused = true)]
async fn g17_headers_without_end_hold_up_no_drain() {
    let probed = Probed::new();
    let mut peer = Raw::connect(&GrpcServerOptions::new(), &probed.probe, 1 << 20, &[]).await;
    // A call whose headers go on, in frames that each say so.
    let mut begun = open(1, PING_METHOD, true);
    begun[4] = 0;
    peer.io.write_all(&begun).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    peer.drain(WHOLE);
    let began = Instant::now();
    let more = frame(9, 0, 1, b"\0\x01x\x01y");
    while !peer.served.is_finished() {
        let _ = peer.io.write_all(&more).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = ended(&mut peer, began).await;
    assert!(took < 0.05, "{took} of the time");
}

#[tokio::test(start_paused = true)]
async fn g08_a_peer_that_reads_a_little_all_the_time_gets_its_answer_whole_during_a_drain() {
    let probed = Probed::new();
    let worker = Arc::new(WorkerState::new(GrpcServerOptions::new().engine, Arc::default()));
    let mut peer = Peer::connect_to(Arc::clone(&worker), &probed.probe).await;
    let mut body = peer.call("Big", &[]).await.await.unwrap().into_body();
    // Its whole time is not known here: it is that of a write.
    worker.drain(None);
    let (mut got, began) = (0, Instant::now());
    while let Some(data) = body.data().await {
        let length = Bytes::len(&data.unwrap());
        got += length;
        tokio::time::sleep(Duration::from_secs(10)).await;
        body.flow_control().release_capacity(length).unwrap();
    }
    assert!(got > BIG && began.elapsed() > Duration::from_secs(300));
    assert_eq!(body.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    peer.served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn g17_an_old_connection_whose_peer_calls_on_comes_to_its_end_all_the_same() {
    let probed = Probed::new();
    for options in [
        GrpcServerOptions::new().max_connection_age(Duration::from_secs(100)),
        GrpcServerOptions::new().max_connection_idle(Duration::from_secs(100)),
    ] {
        let mut peer = Raw::connect(&options, &probed.probe, 1 << 20, &[]).await;
        let idle = Duration::from_secs(101);
        tokio::time::sleep(idle).await;
        let (began, mut stream) = (Instant::now(), 1);
        while !peer.served.is_finished() {
            let _ = peer.io.write_all(&call(stream, PING_METHOD)).await;
            stream += 2;
            let _ = tokio::time::timeout(Duration::from_secs(1), peer.read()).await;
            assert!(began.elapsed() < Duration::from_secs(60), "it is kept for ever");
        }
    }
}

/// The timetable and the patience are of one drain.
#[test]
fn g17_what_a_peer_may_hold_up_is_over_before_calls_are_called_off() {
    let now = std::time::Instant::now();
    for whole in [Duration::from_millis(600), WHOLE, Duration::from_secs(30)] {
        let times = Timetable::new(now, now + whole);
        let patience = crate::server::drain::Patience::new(Some(whole), None);
        assert!(
            now + patience.new_calls < times.call_off && now + patience.unread.unwrap() * 2 < times.call_off
        );
    }
}
