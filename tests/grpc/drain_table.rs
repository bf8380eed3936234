//! The drain, measured for each kind of connection that may be open while everything may take two seconds: how long it
//! took, what the client was told, and what the report says.
//!
//! `cargo test -p majordomo-tests --test grpc drain_table -- --nocapture` prints the table. A peer that vanished without a word is the
//! same as one that is silent: nothing comes from it, and what is sent to it stays where it is.
#![cfg(feature = "tls")]

use std::pin::Pin;
use std::time::Duration;

use crate::table::kinds::*;
use crate::table::{GRACE, LIMIT, Over, Row};
use support::{ms, within};

/// What has nothing to wait for is over by then.
const AT_ONCE: Duration = ms(100);
/// What G8 allows beyond a deadline.
const TOLERANCE: Duration = ms(100);
/// A machine that is busy with others delays all that is measured: who is late by that may try again.
const TRIES: usize = 3;

/// How a drain is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// By itself, since there is nothing to wait for, or not any more.
    AtOnce,
    /// Streams are ended in order once their grace is over, which is no failure.
    Graced,
    /// So many calls are answered UNAVAILABLE shortly before the deadline.
    CalledOff(usize),
    /// The connection is cut.
    Cut,
    /// A handler blocks one of the threads.
    Blocked,
}

type Measured = Pin<Box<dyn Future<Output = Row>>>;

struct Kind {
    name: &'static str,
    over: Over,
    ends: Ends,
    measure: fn(Over) -> Measured,
}

macro_rules! kinds {
    ($($name:literal, $over:ident, $ends:expr, $measure:path;)+) => {
        [$(Kind { name: $name, over: Over::$over, ends: $ends, measure: |over| Box::pin($measure(over)) }),+]
    };
}

use Ends::{AtOnce, Blocked, CalledOff, Cut, Graced};

fn kinds() -> impl Iterator<Item = Kind> {
    kinds! {
        "idle, kept alive", Tcp, AtOnce, idle;
        "idle, kept alive", Tls, AtOnce, idle;
        "idle, kept alive", Unix, AtOnce, idle;
        "idle, kept alive", Memory, AtOnce, idle;
        "idle, acknowledges nothing", Tcp, AtOnce, idle_and_gone;
        "silent", Tcp, AtOnce, silent;
        "silent", Unix, AtOnce, silent;
        "silent", Memory, AtOnce, silent;
        "half a preface", Tcp, AtOnce, half_a_preface;
        "silent, no handshake", Tls, AtOnce, silent;
        "half a handshake", Tls, AtOnce, half_a_handshake;
        "handshake, then silent", Tls, AtOnce, silent_after_the_handshake;
        "call that finishes", Tcp, AtOnce, a_call_that_finishes;
        "call that finishes", Tls, AtOnce, a_call_that_finishes;
        "call that finishes", Unix, AtOnce, a_call_that_finishes;
        "call that finishes", Memory, AtOnce, a_call_that_finishes;
        "calls handed over that finish", Tcp, AtOnce, calls_handed_over_that_finish;
        "watch of health", Tcp, AtOnce, a_watch;
        "endless stream, with a grace", Tcp, Graced, a_stream_with_a_grace;
        "endless stream, with a grace", Tls, Graced, a_stream_with_a_grace;
        "endless stream, with a grace", Unix, Graced, a_stream_with_a_grace;
        "endless stream, with a grace", Memory, Graced, a_stream_with_a_grace;
        "endless stream, always sending, with a grace", Tcp, Graced, a_flood_with_a_grace;
        "call that never ends", Tcp, CalledOff(1), a_call_that_never_ends;
        "call whose request never ends", Tcp, CalledOff(1), a_request_that_never_ends;
        "call that waits its turn", Tcp, CalledOff(2), a_call_that_waits_its_turn;
        "call of a peer that has vanished", Tcp, CalledOff(1), a_call_of_a_peer_that_has_vanished;
        "endless stream", Tcp, CalledOff(1), an_endless_stream;
        "endless stream", Tls, CalledOff(1), an_endless_stream;
        "endless stream", Unix, CalledOff(1), an_endless_stream;
        "endless stream", Memory, CalledOff(1), an_endless_stream;
        "endless stream, always sending", Tcp, CalledOff(1), a_flood;
        "endless stream, no window granted", Tcp, Cut, a_flood_without_a_window;
        "endless stream, socket not read", Tcp, Cut, a_flood_that_is_not_read;
        "endless stream, socket not read", Tls, Cut, a_flood_that_is_not_read;
        "endless stream, socket not read", Unix, Cut, a_flood_that_is_not_read;
        "endless stream, pipe not read", Memory, Cut, a_flood_that_is_not_read;
        "calls handed over that never end", Tcp, CalledOff(4), calls_handed_over_that_never_end;
        "handler that blocks its thread", Tcp, Blocked, a_handler_that_blocks;
        "handler handed over that blocks", Tcp, Blocked, a_handler_handed_over_that_blocks;
    }
    .into_iter()
}

#[track_caller]
fn check_limits(kind: &Kind, row: &Row) {
    assert!(row.ended < LIMIT + TOLERANCE + row.allowance, "{}: {row:?}", kind.name);
    if row.is_forced {
        return;
    }
    let error = row.error.clone().unwrap_or_default();
    let named: usize = error.methods.values().sum();
    // Each call that did not end by itself is named, once.
    let expected = match kind.ends {
        AtOnce | Graced => 0,
        CalledOff(calls) => calls,
        Cut => 1,
        Blocked => named.max(1),
    };
    assert_eq!(named, expected, "{}: {row:?}", kind.name);
}

#[track_caller]
fn check(kind: &Kind, row: &Row) {
    check_limits(kind, row);
    assert!(!row.is_forced, "{}: {row:?}", kind.name);
    let error = row.error.clone().unwrap_or_default();
    match kind.ends {
        AtOnce => assert_eq!(row.error, None, "{}: {row:?}", kind.name),
        Graced => {
            assert_eq!((row.error.as_ref(), &*row.told), (None, "Unavailable: the server is going away"));
            assert!(row.drained >= GRACE && row.drained < GRACE + LIMIT / 2, "{}: {row:?}", kind.name);
        }
        CalledOff(calls) => {
            assert_eq!((error.unavailable, error.cut), (calls, 0), "{}: {row:?}", kind.name);
            assert_eq!(error.blocked_workers, [""; 0], "{}: {row:?}", kind.name);
            let told = ["Unavailable: server is shutting down", "nothing"];
            assert!(told.contains(&&*row.told), "{}: {row:?}", kind.name);
        }
        Cut => assert_eq!((error.connections, error.cut), (1, 1), "{}: {row:?}", kind.name),
        Blocked => assert_eq!(error.blocked_workers.len(), 1, "{}: {row:?}", kind.name),
    }
}

#[actix::test]
async fn g08_every_kind_of_connection_ends_at_once_by_itself_or_within_the_deadline() {
    let (at_once, held): (Vec<_>, Vec<_>) = kinds().partition(|kind| kind.ends == AtOnce);
    let mut rows = Vec::new();
    for kind in at_once {
        let mut row = (kind.measure)(kind.over).await;
        for _ in 1..TRIES {
            check(&kind, &row);
            if row.drained >= AT_ONCE + row.allowance {
                row = (kind.measure)(kind.over).await;
            }
        }
        assert!(row.drained < AT_ONCE + row.allowance, "{}: {row:?}", kind.name);
        rows.push((kind, row));
    }
    // They wait rather than work: all at the same time.
    let measured: Vec<_> = held.iter().map(|kind| actix::spawn((kind.measure)(kind.over))).collect();
    for (kind, row) in held.into_iter().zip(measured) {
        let mut row = within("a row", row).await.unwrap();
        // Beside all the others a client that has much to read may not come to the end of it in time, nor the server to its answer.
        for _ in 1..TRIES {
            let is_cut = row.error.as_ref().is_some_and(|error| error.cut > 0);
            if row.is_forced || matches!(kind.ends, CalledOff(_)) && is_cut {
                check_limits(&kind, &row);
                row = (kind.measure)(kind.over).await;
            }
        }
        rows.push((kind, row));
    }
    println!(
        "{:<36}{:<8}{:>8}  {:<42}  the report",
        "the connection", "over", "drained", "its client was told"
    );
    for (kind, row) in &rows {
        println!("{:<36}{:<8}{row}", kind.name, format!("{:?}", kind.over));
    }
    rows.iter().for_each(|(kind, row)| check(kind, row));
}
