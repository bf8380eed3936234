//! What the black-box tests share: a manager that is observed, the record of its events, and a probe that can be
//! any service or resource and notes in a journal what it was sent.
//!
//! Nothing here sleeps: tests wait for events, answers and gates, each within a limit that only a hang reaches.

#![allow(dead_code, unused_imports)] // each test program uses a part of this

mod errors;
mod folder;
mod journal;
mod observed;
mod pace;
mod probe;
mod served;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use majordomo::{BoxError, ManagerOptions};

pub(crate) use errors::{error_of, forced_of, panic_of, sorted_whos, whos};
pub(crate) use folder::Folder;
pub(crate) use journal::{Counter, Journal};
pub(crate) use majordomo::testing::{Gate, Recorder as Events};
pub(crate) use observed::{Ended, Observed, observe, observe_paused};
pub(crate) use probe::{Call, Dropped, Probe, block, never, start_all};
pub(crate) use served::{Registers, connect, reconnect, serving};

/// Nothing that works takes so long.
const HANG: Duration = Duration::from_secs(10);

pub(crate) type Answer = Result<(), BoxError>;
type Later<T> = Pin<Box<dyn Future<Output = T>>>;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Options without gRPC and without signals.
pub(crate) fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).handle_signals(false)
}

/// In an order of its own, where theirs is none.
pub(crate) fn sorted(entries: &[String]) -> Vec<&str> {
    let mut entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    entries.sort_unstable();
    entries
}

/// Waits for something that must come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, future).await.unwrap_or_else(|_| panic!("{what} did not come in {HANG:?}"))
}
