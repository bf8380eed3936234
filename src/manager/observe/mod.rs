//! What a manager tells of itself: events, logs, stalls.

pub(crate) mod actor_label;
#[cfg(all(test, feature = "tls"))]
mod diagnostics;
pub(crate) mod event_log;
pub(crate) mod flight_recorder;
pub(crate) mod logging;
pub(crate) mod observers;
pub(crate) mod watchdog;
pub(crate) mod worker_stalls;
