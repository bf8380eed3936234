//! The signs of life that systemd expects (sd_watchdog_enabled(3)): when the manager is asked for one, and whether it is passed on.
//!
//! ```text
//!   WATCHDOG=1 ---- half of the time ----> asked ---- answered, nobody stuck ----> WATCHDOG=1
//!                                            ^                |
//!                                            +-- an eighth ---+ somebody is stuck
//! ```
//!
//! Who is not answered waits, and asks nothing else: a manager that does not answer is one that systemd is to end.

use std::time::Duration;

use super::Liveness;
use crate::events::Name;

/// Asks for signs of life. Times count from the manager's start.
#[derive(Debug)]
pub(super) struct Watchdog {
    /// Within what time systemd expects one.
    within: Duration,
    /// When to ask; `None` while an answer is awaited.
    ask_at: Option<Duration>,
    /// The latest service that was stuck.
    stuck: Option<Name>,
}

impl Watchdog {
    pub(super) fn new(within: Duration) -> Self {
        Self { within, ask_at: Some(Duration::ZERO), stuck: None }
    }

    /// When something is due, unless an answer is awaited.
    pub(super) fn due(&self) -> Option<Duration> {
        self.ask_at
    }

    /// Whether to ask now; if so, it is done.
    pub(super) fn asks(&mut self, now: Duration) -> bool {
        let asks = self.ask_at.is_some_and(|at| at <= now);
        if asks {
            self.ask_at = None;
        }
        asks
    }

    /// Whether what was answered is a sign of life. While the manager stops, its own deadline ends whoever is stuck.
    pub(super) fn answered(&mut self, liveness: Liveness, now: Duration, stops: bool) -> bool {
        self.stuck = liveness.stuck.filter(|_| !stops);
        let rest = if self.stuck.is_some() { self.within / 8 } else { self.within / 2 };
        self.ask_at = Some(now + rest);
        self.stuck.is_none()
    }

    pub(super) fn stuck(&self) -> Option<&Name> {
        self.stuck.as_ref()
    }
}
