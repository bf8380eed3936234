//! Which services take calls now. Calls of a service that waits before it is set up, restarts, or was stopped, are refused.
//!
//! ```text
//!   open --RestartStarted, StopStarted--> down ----RestartFinished (ok)--> open
//!        --Standby----------------------> standby --SetupFinished (ok)---> open
//! ```
//!
//! Calls that are open stay so, and connections do not notice. The check costs each call one load.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tonic::Status;

use crate::events::{LifecycleEvent as Event, Name};
use crate::lifecycle::Outcome;

/// Whether calls of a service's methods are let through.
#[derive(Debug)]
pub(crate) struct Availability {
    owner: Name,
    state: AtomicU8,
}

/// It takes calls.
const OPEN: u8 = 0;
/// It restarts, or was stopped.
const DOWN: u8 = 1;
/// It waits before it is set up.
const STANDBY: u8 = 2;

impl Availability {
    /// The answer to a call that comes now, if it is refused.
    pub(crate) fn refusal(&self) -> Option<Status> {
        // A call that sees the change late is treated like one that came a moment earlier.
        let state = self.state.load(Ordering::Relaxed);
        (state != OPEN).then(|| {
            let owner = &*self.owner;
            Status::unavailable(match state {
                STANDBY => format!("the service {owner:?} is not set up yet: try again"),
                _ => format!("the service {owner:?} is down for a restart, or was stopped: try again"),
            })
        })
    }
}

/// The availability of all services.
#[derive(Debug, Clone, Default)]
pub(crate) struct AvailabilityTable(Arc<Mutex<HashMap<Name, Arc<Availability>>>>);

impl AvailabilityTable {
    /// What all methods of this service share.
    pub(crate) fn of(&self, owner: &Name) -> Arc<Availability> {
        let mut services = self.lock();
        let new = || Arc::new(Availability { owner: owner.clone(), state: AtomicU8::new(OPEN) });
        Arc::clone(services.entry(owner.clone()).or_insert_with(new))
    }

    /// Takes note of something that happened.
    pub(crate) fn observe(&self, event: &Event) {
        match event {
            Event::RestartStarted { service, .. } | Event::StopStarted { service } => self.set(service, DOWN),
            Event::RestartFinished { service, end } if end.outcome == Outcome::Ok => self.set(service, OPEN),
            // It has not registered yet.
            Event::Standby { service, .. } => self.of(service).state.store(STANDBY, Ordering::Relaxed),
            // That of a restart opens nothing: the restart is not over yet.
            Event::SetupFinished { service, end } if end.outcome == Outcome::Ok => {
                if let Some(one) = self.lock().get(service) {
                    let _ = one.state.compare_exchange(STANDBY, OPEN, Ordering::Relaxed, Ordering::Relaxed);
                }
            }
            _ => {}
        }
    }

    fn set(&self, service: &Name, state: u8) {
        if let Some(one) = self.lock().get(service) {
            one.state.store(state, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Arc<Availability>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::End;
    use crate::lifecycle::{RestartCause, WaitsFor};
    use std::time::Duration;

    #[test]
    fn g24_a_service_that_waits_for_the_predecessor_is_unavailable_until_it_is_set_up() {
        let services = AvailabilityTable::default();
        let finished = |outcome| {
            let end = End { took: Duration::ZERO, outcome, error: None, cancelled: false };
            Event::SetupFinished { service: "mine".into(), end }
        };
        services.observe(&Event::Standby { service: "mine".into(), waits_for: WaitsFor::Predecessor });
        // It registers later.
        let mine = services.of(&"mine".into());
        services.observe(&finished(Outcome::Error));
        let refusal = mine.refusal().unwrap();
        assert!(refusal.message().contains("not set up yet"), "{refusal}");
        services.observe(&finished(Outcome::Ok));
        assert!(mine.refusal().is_none());
        // The set-up of a restart opens nothing: that is over when its main loop runs, too.
        services.observe(&Event::StopStarted { service: "mine".into() });
        services.observe(&finished(Outcome::Ok));
        assert!(mine.refusal().is_some());
    }

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
