//! A fold of lifecycle events: the lease of a service.

use crate::events::{LeaseEvent, LifecycleEvent as Event, Name};
use crate::lifecycle::Outcome;

/// What may become of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It was granted.
    Acquired,
    /// It could not be kept.
    Lost,
    /// It was given away by an order.
    SteppedDown,
}

impl Change {
    pub(super) const ALL: [Self; 3] = [Self::Acquired, Self::Lost, Self::SteppedDown];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Acquired => "acquired",
            Self::Lost => "lost",
            Self::SteppedDown => "stepped_down",
        }
    }
}

/// The lease of a service, as far as events tell.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) name: Name,
    /// Whether this process has it, and its service is not being stopped for having lost it.
    pub(super) held: bool,
    /// Of the latest grant; 0: there was none.
    pub(super) epoch: u64,
    changes: [u64; Change::ALL.len()],
}

impl Lease {
    pub(super) fn new(name: Name) -> Self {
        Self { name, held: false, epoch: 0, changes: [0; Change::ALL.len()] }
    }

    pub(super) fn changes(&self, change: Change) -> u64 {
        self.changes[change as usize]
    }

    pub(super) fn observe(&mut self, event: &Event) {
        let change = match event {
            Event::Lease(LeaseEvent::LeaseAcquired { epoch, .. }) => {
                (self.held, self.epoch) = (true, *epoch);
                Change::Acquired
            }
            Event::Lease(LeaseEvent::LeaseLost { .. }) => {
                self.held = false;
                Change::Lost
            }
            // Else another order, or the shutdown, came first.
            Event::Lease(LeaseEvent::StepDownFinished { end, .. }) if end.outcome != Outcome::Ended => {
                self.held = false;
                Change::SteppedDown
            }
            // It was given back before these.
            Event::Standby { .. } | Event::StopFinished { .. } => {
                self.held = false;
                return;
            }
            _ => return,
        };
        self.changes[change as usize] += 1;
    }
}
