//! Peers that do not read what they are sent, in paused time.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::events::InFlight;
use crate::grpc::GrpcServerOptions;
use crate::grpc::tests::probe::Probed;
use crate::grpc::tests::raw::{END_STREAM, HEADERS, Raw, call, short_calls};

/// So many calls of one connection may be open, and as many answered and not yet written; what is read at once beyond
/// that is a few thousand bytes.
const MOST: u64 = 2 * 1000 + 16 * 1024 / 12;

fn path(length: usize) -> String {
    format!("/{}", "a".repeat(length - 1))
}

/// Sends until nothing is taken any more; whether it all was.
async fn send_all(peer: &mut Raw, bytes: &[u8]) -> bool {
    timeout(Duration::from_millis(500), peer.io.write_all(bytes)).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn g17_a_peer_that_never_reads_gives_no_more_calls_than_it_may_have_open_twice() {
    for length in [2, 100, 1_000, 3_600, 3_720, 3_840] {
        for indexed in [true, false] {
            let probed = Probed::new();
            let mut peer = Raw::connect(&GrpcServerOptions::new(), &probed.probe, 4096, &[]).await;
            let calls = short_calls(&path(length), 10_000, indexed);
            assert!(!send_all(&mut peer, &calls).await, "{length}: all calls were taken");
            let seen = peer.connection.calls_seen();
            assert!((1..=MOST).contains(&seen), "{seen} calls of {length} bytes were taken");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn g17_a_peer_that_reads_nothing_is_told_of_and_then_cut() {
    let probed = Probed::new();
    let mut peer = Raw::connect(&GrpcServerOptions::new(), &probed.probe, 4096, &[]).await;
    let began = Instant::now();
    send_all(&mut peer, &short_calls(&path(1_000), 10_000, true)).await;
    let carried = || {
        let mut carried = InFlight::default();
        peer.connection.worker.unreading.tell(&mut carried);
        carried
    };
    assert_eq!(carried().unread, 0, "it may only be slow");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(carried().unread, 1);
    let longest = carried().longest_unread.unwrap();
    assert!((20..=21).contains(&longest.as_secs()), "{longest:?}");
    peer.served.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(peer.connection.worker.cut.load(std::sync::atomic::Ordering::Relaxed), 0, "nobody drained");
    let mut carried = InFlight::default();
    peer.connection.worker.unreading.tell(&mut carried);
    assert_eq!(carried.unread, 0, "it is gone");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_late_gets_every_answer() {
    let probed = Probed::new();
    let options = GrpcServerOptions::new().max_concurrent_streams(10_000);
    let calls = short_calls(&path(1_000), 5_000, true);
    let peer = Raw::connect(&options, &probed.probe, 4096, &[]).await;
    let (mut reads, mut writes) = tokio::io::split(peer.io);
    let writing = tokio::spawn(async move {
        writes.write_all(&calls).await.unwrap();
        writes
    });
    // Within the time that it has, again and again.
    let (mut answered, mut head) = (0, [0; 9]);
    while answered < 5_000 {
        if answered % 1_000 == 0 {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        reads.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        reads.read_exact(&mut payload).await.unwrap();
        answered += u32::from(head[3] == HEADERS && head[4] & END_STREAM != 0);
    }
    writing.await.unwrap();
    peer.served.abort();
}

#[tokio::test(start_paused = true)]
async fn a_peer_may_read_nothing_where_the_options_say_so() {
    let probed = Probed::new();
    let options = GrpcServerOptions::new().write_timeout(None).keepalive_interval(None);
    let mut peer = Raw::connect(&options, &probed.probe, 1024, &[]).await;
    // Its answer is longer than what is on the way at most.
    peer.io.write_all(&call(1, &path(900))).await.unwrap();
    peer.io.write_all(&call(3, &path(900))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(24 * 60 * 60)).await;
    assert!(!peer.served.is_finished());
}
