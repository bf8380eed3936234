//! How far a shutdown has come.

use super::names::{Cause, ServiceIx};

/// How far the way down has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stopping {
    pub(super) drain_delay: bool,
    pub(super) cause: Option<Cause<ServiceIx>>,
    /// Whether services had begun to run when shutdown was asked.
    pub(super) ran: bool,
    /// Whether a set-up that was told to stop, and ends with an error, has not failed.
    pub(super) cancels: bool,
    pub(super) drain: Drain,
    pub(super) drained: bool,
    pub(super) retired: bool,
    pub(super) closed: bool,
    /// Shares of the services' time that are spent.
    pub(super) shares: u32,
    pub(super) pressure: Pressure,
}

/// The drain delay, in which everything still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Drain {
    NotBegun,
    Delay,
    Over,
}

/// How patient the manager still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Pressure {
    Patient,
    ReserveReached,
    DeadlineReached,
    LastCallOver,
}

impl Stopping {
    pub(super) fn new(drain_delay: bool) -> Self {
        Self {
            drain_delay,
            cause: None,
            ran: false,
            cancels: false,
            drain: Drain::NotBegun,
            drained: false,
            retired: false,
            closed: false,
            shares: 0,
            pressure: Pressure::Patient,
        }
    }
}
