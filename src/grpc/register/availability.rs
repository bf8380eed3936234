//! Whose calls are refused for now: those of services that are restarted, or were stopped.
//!
//! ```text
//!   open --RestartStarted, StopStarted--> closed --RestartFinished (ok)--> open
//! ```
//!
//! Calls that are open stay so, and connections do not notice. A closed gate costs other calls nothing, an open one a load.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tonic::Status;

use crate::events::{LifecycleEvent as Event, Name};
use crate::lifecycle::Outcome;

/// Whether calls of a service's methods are let through.
#[derive(Debug)]
pub(crate) struct Availability {
    owner: Name,
    closed: AtomicBool,
}

impl Availability {
    /// The answer to a call that comes now, if it is refused.
    pub(crate) fn refusal(&self) -> Option<Status> {
        // Whoever sees it a moment late meets the service as calls do that came a moment earlier.
        self.closed.load(Ordering::Relaxed).then(|| {
            let owner = &*self.owner;
            Status::unavailable(format!(
                "the service {owner:?} is down for a restart, or was stopped: try again"
            ))
        })
    }
}

/// The gates of all services.
#[derive(Debug, Clone, Default)]
pub(crate) struct AvailabilityTable(Arc<Mutex<HashMap<Name, Arc<Availability>>>>);

impl AvailabilityTable {
    /// The gate that all methods of this service share.
    pub(crate) fn of(&self, owner: &Name) -> Arc<Availability> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = || Arc::new(Availability { owner: owner.clone(), closed: AtomicBool::new(false) });
        Arc::clone(gates.entry(owner.clone()).or_insert_with(gate))
    }

    /// Takes note of something that happened.
    pub(crate) fn observe(&self, event: &Event) {
        let (service, closed) = match event {
            Event::RestartStarted { service, .. } | Event::StopStarted { service } => (service, true),
            Event::RestartFinished { service, end } if end.outcome == Outcome::Ok => (service, false),
            _ => return,
        };
        let gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(service) {
            gate.closed.store(closed, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::End;
    use crate::lifecycle::RestartCause;
    use std::time::Duration;

    #[test]
    fn a_gate_is_closed_from_the_beginning_of_a_restart_until_it_has_succeeded() {
        let gates = AvailabilityTable::default();
        let (mine, other) = (gates.of(&"mine".into()), gates.of(&"other".into()));
        let finished = |outcome| {
            let end = End { took: Duration::ZERO, outcome, error: None, cancelled: false };
            Event::RestartFinished { service: "mine".into(), end }
        };
        gates.observe(&Event::RestartStarted { service: "mine".into(), because: RestartCause::Asked });
        gates.observe(&finished(Outcome::Error));
        let refusal = mine.refusal().unwrap();
        assert!(refusal.message().contains("\"mine\"") && other.refusal().is_none(), "{refusal}");
        gates.observe(&finished(Outcome::Ok));
        assert!(mine.refusal().is_none());
        gates.observe(&Event::StopStarted { service: "mine".into() });
        assert!(mine.refusal().is_some());
    }
}
