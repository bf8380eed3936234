//! The reloads of a manager: who asked for them, and who did not do its part.

use std::collections::BTreeMap;

use super::due_times::DueTime;
use super::open_orders::OrderReply;
use crate::events::Name;
use crate::lifecycle::ServiceIx;

/// The reloads of a manager.
///
/// Bound: one reply for each that waits. Timers, one for each service.
#[derive(Default)]
pub(crate) struct Reloads {
    /// Whether any service takes part in them. One that is added later may.
    pub(super) are_offered: bool,
    /// The latest. What is told of an earlier one is told apart by it.
    pub(super) number: u64,
    pub(super) timers: BTreeMap<ServiceIx, DueTime>,
    /// Who asked for the next; and for the one that is under way.
    pub(super) next: Vec<OrderReply>,
    pub(super) current: Vec<OrderReply>,
    /// Who did not do its part, and why.
    pub(super) failed: Vec<(Name, String)>,
}

impl Reloads {
    pub(super) fn new(are_offered: bool) -> Self {
        Self { are_offered, ..Self::default() }
    }
}
