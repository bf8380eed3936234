//! What the black-box tests share: a manager that is observed, the record of its events, and a probe that can be
//! any service or resource and notes in a journal what it was sent.
//!
//! Nothing here sleeps: tests wait for events, answers and gates, each within a limit that only a hang reaches.

#![allow(clippy::new_without_default)] // what these make is outside of the process

pub mod any_server;
pub mod child;
pub mod crowd;
mod errors;
mod folder;
mod http1;
mod journal;
pub mod kit;
mod observed;
pub mod pace;
pub mod phoenix;
pub mod place;
mod probe;
pub mod replicas;
pub mod rpc;
mod served;
pub mod spans;
pub mod tls;
pub mod visible;
pub mod web;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use majordomo::{BoxError, ManagerOptions};

pub use errors::{error_of, forced_of, panic_of, sorted_whos, whos};
pub use folder::Folder;
pub use http1::{Came, Client, address};
pub use journal::{Counter, Journal};
pub use majordomo::testing::{Gate, Recorder as Events};
pub use observed::{Ended, Observed, observe, observe_paused};
pub use probe::{Call, Dropped, Probe, block, never, start_all};
pub use served::{Registers, connect, reconnect, serving};

/// Nothing that works takes so long.
const HANG: Duration = Duration::from_secs(10);

pub type Answer = Result<(), BoxError>;
type Later<T> = Pin<Box<dyn Future<Output = T>>>;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Options without gRPC and without signals.
pub fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).handle_signals(false)
}

/// In an order of its own, where theirs is none.
pub fn sorted(entries: &[String]) -> Vec<&str> {
    let mut entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    entries.sort_unstable();
    entries
}

/// Waits for something that must come.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, future).await.unwrap_or_else(|_| panic!("{what} did not come in {HANG:?}"))
}
