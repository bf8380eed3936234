//! systemd's notification protocol (sd_notify(3), sd_watchdog_enabled(3)): it is told when all run, who is waited for, and
//! that the manager still answers.
//!
//! ```text
//!   SettingUp                     Running                       Stopping, Releasing                  Stopped
//!     STATUS, EXTEND_TIMEOUT_USEC   READY=1, STATUS               STOPPING=1, STATUS, EXTEND_TIMEOUT_USEC   nothing
//!     |------- WATCHDOG=1, as long as the manager answers and nobody that matters is stuck --------------|
//! ```
//!
//! What is told and when is decided by `notifier.rs`, which knows no clock and no socket. Around it is a thread (`thread.rs`) that reads the
//! manager's events, asks the manager whether it answers, and sends. It is there only where `NOTIFY_SOCKET` is.
//!
//! In a hand-over the process that has given way says nothing more (`MAINPID=` was its last word), and its successor says nothing before it
//! is in charge. Where that dies before the first has ended, the first speaks again: systemd is to hear it, too (`NotifyAccess=all`).
//!
//! Bounds: a status at most once a second beside the three stages; one question at a time; a datagram of a few kilobytes.

mod environment;
mod notifier;
mod services;
mod socket;
mod stages;
mod thread;
mod watchdog;

pub(crate) use environment::Settings;
pub(crate) use socket::{Socket, SocketError, is_full};
pub(crate) use thread::{Parts, start, tell_main_process};

use crate::events::Name;

/// What a manager answers when it is asked whether it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Liveness {
    /// A service that matters to the whole and does not get on.
    pub(crate) stuck: Option<Name>,
}
