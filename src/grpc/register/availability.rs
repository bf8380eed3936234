//! Which services take calls now. Calls of a service that restarts, or was stopped, are refused.
//!
//! ```text
//!   open --RestartStarted, StopStarted--> closed --RestartFinished (ok)--> open
//! ```
//!
//! Calls that are open stay so, and connections do not notice. The check costs each call one load.

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
        // A call that sees the change late is treated like one that came a moment earlier.
        self.closed.load(Ordering::Relaxed).then(|| {
            let owner = &*self.owner;
            Status::unavailable(format!(
                "the service {owner:?} is down for a restart, or was stopped: try again"
            ))
        })
    }
}

/// The availability of all services.
#[derive(Debug, Clone, Default)]
pub(crate) struct AvailabilityTable(Arc<Mutex<HashMap<Name, Arc<Availability>>>>);

impl AvailabilityTable {
    /// What all methods of this service share.
    pub(crate) fn of(&self, owner: &Name) -> Arc<Availability> {
        let mut services = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Availability { owner: owner.clone(), closed: AtomicBool::new(false) });
        Arc::clone(services.entry(owner.clone()).or_insert_with(new))
    }

    /// Takes note of something that happened.
    pub(crate) fn observe(&self, event: &Event) {
        let (service, closed) = match event {
            Event::RestartStarted { service, .. } | Event::StopStarted { service } => (service, true),
            Event::RestartFinished { service, end } if end.outcome == Outcome::Ok => (service, false),
            _ => return,
        };
        let services = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(availability) = services.get(service) {
            availability.closed.store(closed, Ordering::Relaxed);
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
    fn a_service_is_unavailable_from_the_beginning_of_a_restart_until_it_has_succeeded() {
        let services = AvailabilityTable::default();
        let (mine, other) = (services.of(&"mine".into()), services.of(&"other".into()));
        let finished = |outcome| {
            let end = End { took: Duration::ZERO, outcome, error: None, cancelled: false };
            Event::RestartFinished { service: "mine".into(), end }
        };
        services.observe(&Event::RestartStarted { service: "mine".into(), because: RestartCause::Asked });
        services.observe(&finished(Outcome::Error));
        let refusal = mine.refusal().unwrap();
        assert!(refusal.message().contains("\"mine\"") && other.refusal().is_none(), "{refusal}");
        services.observe(&finished(Outcome::Ok));
        assert!(mine.refusal().is_none());
        services.observe(&Event::StopStarted { service: "mine".into() });
        assert!(mine.refusal().is_some());
    }
}
