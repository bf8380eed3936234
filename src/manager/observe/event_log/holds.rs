//! What held those who had to be forced: when they were asked, and what the manager itself knows to be no fault of theirs.

use std::time::Duration;

use super::{EventLog, Subject};
use crate::events::Failure;
use crate::lifecycle::{Fault, ServiceIx};
use crate::report::{ForcedError, Hold};

impl EventLog {
    /// The manager itself did not run for so long in all, as far as it noticed.
    pub(crate) fn note_absence(&mut self, total: Duration) {
        self.absence = Some((self.now(), total));
        if self.report.is_asked() {
            self.report.suspended(total);
        }
    }

    /// The rules take in an input.
    pub(crate) fn count_input(&mut self) {
        self.inputs += 1;
    }

    /// A service's signal tells it to stop.
    pub(crate) fn note_asked(&mut self, ix: ServiceIx) {
        let asked = (self.now(), self.inputs);
        self.record_mut(ix).asked_to_stop.get_or_insert(asked);
    }

    /// A service is forced. What it was told in the same breath, it had no time to hear.
    pub(crate) fn note_forced(&mut self, ix: ServiceIx) {
        let now = self.inputs;
        self.record_mut(ix).asked_to_stop.take_if(|(_, by)| *by == now);
    }

    pub(crate) fn forced(&self, subject: Subject, fault: Fault, hold: Hold, lasted: Duration) -> Failure {
        let in_flight = match subject {
            Subject::Service(ix, _) => self.record(ix).in_flight.clone(),
            Subject::Resource(_) => None,
        };
        Failure::of(fault, ForcedError::new(subject.activity(), lasted, hold, in_flight))
    }

    /// What held one whose thread is not to blame.
    pub(crate) fn hold(&self, subject: Subject, began: Duration, at: Duration) -> Hold {
        match subject {
            Subject::Resource(_) => Hold::Silent { asked: self.lasted(began, at) },
            Subject::Service(ix, _) => {
                let known = self.record(ix);
                match known.asked_to_stop {
                    _ if known.panicked => Hold::Panicked,
                    None => Hold::NotAsked,
                    Some((asked, _)) if known.agreed_to_stop => {
                        Hold::WentOn { asked: self.lasted(asked, at) }
                    }
                    Some((asked, _)) => Hold::Silent { asked: self.lasted(asked, at) },
                }
            }
        }
    }

    /// How long somebody has had, in which the process itself ran.
    fn lasted(&self, since: Duration, at: Duration) -> Duration {
        let absent = self.absence.filter(|(noticed, _)| *noticed >= since);
        (at - since).saturating_sub(absent.map_or(Duration::ZERO, |(_, lasted)| lasted))
    }
}
