//! What the rules announce, as events.

use std::sync::Arc;
use std::time::Duration;

use super::{Detail, EventLog, Subject, failure};
use crate::events::{End, Failure, LifecycleEvent};
use crate::lifecycle::{
    Activity, Announcement, ErrorStage, Fault, HandoverEnd, Outcome, ReloadEnd, ReloadStep, Remedy,
    ServiceIx, Step,
};
use crate::report::{PanicError, ReloadError};

/// The failure of a reload, or of a hand-over, is none of the manager's.
const MENDED: Fault = Fault { stage: ErrorStage::Run, remedy: Remedy::Other };

/// How a reload that came to this went.
fn outcome_of(end: ReloadEnd) -> Outcome {
    match end {
        ReloadEnd::Done => Outcome::Ok,
        ReloadEnd::Refused | ReloadEnd::Incomplete => Outcome::Error,
        ReloadEnd::CalledOff => Outcome::Ended,
    }
}

impl EventLog {
    /// The event of an announcement.
    pub(crate) fn event(
        &mut self,
        announcement: Announcement,
        detail: &Detail,
        at: Duration,
    ) -> LifecycleEvent {
        use Announcement as A;
        use LifecycleEvent as E;
        match announcement {
            A::StepStarted(ix, step) => {
                let service = self.id(ix).clone();
                match step {
                    Step::Register => E::RegisterStarted { service },
                    Step::Setup => E::SetupStarted { service },
                    Step::Run => E::RunStarted { service },
                    Step::Shutdown => E::ShutdownStarted { service },
                }
            }
            A::StepFinished { service: ix, step, outcome, error, cancelled } => {
                if step == Step::Shutdown && outcome == Outcome::Ok {
                    self.record_mut(ix).agreed_to_stop = true;
                }
                let end = self.end(Subject::Service(ix, step), outcome, error, detail, at);
                let end = End { cancelled, ..end };
                let service = self.id(ix).clone();
                match step {
                    Step::Register => E::RegisterFinished { service, end },
                    Step::Setup => E::SetupFinished { service, end },
                    Step::Run => E::RunFinished { service, end },
                    Step::Shutdown => E::ShutdownFinished { service, end },
                }
            }
            A::Panicked { service: ix, resource, error } => {
                self.record_mut(ix).panicked = true;
                E::Panicked {
                    service: self.id(ix).clone(),
                    resource: resource.map(|resource| self.resource_name(resource).clone()),
                    error: failure(Activity::Handler, Outcome::Panic, error, detail, Duration::ZERO),
                }
            }
            A::ServiceLost { service, outcome, error } => E::ServiceLost {
                service: self.id(service).clone(),
                outcome,
                error: failure(Activity::Handler, outcome, error, detail, Duration::ZERO),
            },
            A::ServiceStuck(service, fault) => E::ServiceStuck {
                service: self.id(service).clone(),
                error: failure(Activity::Ending, Outcome::Forced, fault, detail, Duration::ZERO),
            },
            A::ResourceStarted(resource) => E::ResourceStarted {
                service: self.id(resource.service).clone(),
                resource: self.resource_name(resource).clone(),
            },
            A::ResourceLost { resource, outcome, error } => {
                let took = at - self.record(resource.service).resources[resource.index as usize].started;
                let error = Some(failure(Activity::Release, outcome, error, detail, took));
                E::ResourceLost {
                    service: self.id(resource.service).clone(),
                    resource: self.resource_name(resource).clone(),
                    end: End { took, outcome, error, cancelled: false },
                }
            }
            A::ReleaseStarted(resource) => E::ReleaseStarted {
                service: self.id(resource.service).clone(),
                resource: self.resource_name(resource).clone(),
            },
            A::ReleaseFinished { resource, outcome, error } => E::ReleaseFinished {
                service: self.id(resource.service).clone(),
                resource: self.resource_name(resource).clone(),
                end: self.end(Subject::Resource(resource), outcome, error, detail, at),
            },
            A::SetupRetried(ix, retry) => {
                let delay = self.record(ix).setup_delay;
                E::SetupRetried { service: self.id(ix).clone(), retry, delay }
            }
            A::RestartStarted(ix, because) => {
                self.record_mut(ix).transition_began = at;
                let because = because.map(|ix| self.id(ix).clone());
                E::RestartStarted { service: self.id(ix).clone(), because }
            }
            A::RestartFinished(ix, outcome) => {
                let end = End {
                    took: at - self.record(ix).transition_began,
                    outcome,
                    error: None,
                    cancelled: false,
                };
                E::RestartFinished { service: self.id(ix).clone(), end }
            }
            A::StopStarted(ix) => {
                self.record_mut(ix).transition_began = at;
                E::StopStarted { service: self.id(ix).clone() }
            }
            A::StopFinished(ix, outcome) => {
                let end = End {
                    took: at - self.record(ix).transition_began,
                    outcome,
                    error: None,
                    cancelled: false,
                };
                E::StopFinished { service: self.id(ix).clone(), end }
            }
            A::Standby(ix, waits_for) => E::Standby { service: self.id(ix).clone(), waits_for },
            A::ServiceAdded(ix) => E::ServiceAdded { service: self.id(ix).clone() },
            A::ServiceRemoved(ix) => E::ServiceRemoved { service: self.id(ix).clone() },
            A::ReloadStarted => {
                self.reload_began = at;
                E::ReloadStarted
            }
            A::ReloadLeft(ix, step) => self.reload_failed(ix, step, Outcome::Ended, MENDED, detail),
            A::ReloadFailed { service, step, outcome, error } => {
                self.reload_failed(service, step, outcome, error.unwrap_or(MENDED), detail)
            }
            A::ReloadFinished(result) => {
                let (outcome, took) = (outcome_of(result), at.saturating_sub(self.reload_began));
                let error = (outcome != Outcome::Ok)
                    .then(|| failure(Activity::Handler, Outcome::Error, MENDED, detail, took));
                E::ReloadFinished { result, end: End { took, outcome, error, cancelled: false } }
            }
            A::HandoverStarted => {
                self.handover_began = at;
                E::HandoverStarted
            }
            A::HandoverFinished(outcome) => {
                let took = at.saturating_sub(self.handover_began);
                let error = (outcome != HandoverEnd::Passed)
                    .then(|| failure(Activity::Handler, Outcome::Error, MENDED, detail, took));
                E::HandoverFinished { outcome, took, error }
            }
            A::LeaseAcquired(ix) => self.lease_acquired(ix, at),
            A::LeaseLost(ix) => {
                let error = failure(Activity::Handler, Outcome::Error, MENDED, detail, Duration::ZERO);
                self.lease_lost(ix, error)
            }
            A::StepDownStarted(ix) => self.step_down_started(ix, at),
            A::StepDownFinished(ix, outcome) => self.step_down_finished(ix, outcome, at),
            A::LeaseRefused { service, error } => E::ServiceLost {
                service: self.id(service).clone(),
                outcome: Outcome::Error,
                error: failure(Activity::Handler, Outcome::Error, error, detail, Duration::ZERO),
            },
            A::Running => E::Running,
            A::ShutdownRequested(cause) => {
                E::ShutdownRequested { cause: cause.map(|ix| self.id(ix).clone()) }
            }
            A::Draining => E::Draining,
            A::Drained => E::Drained,
            A::Releasing => E::Releasing,
            A::Stopped => E::Stopped,
        }
    }

    fn reload_failed(
        &mut self,
        ix: ServiceIx,
        step: ReloadStep,
        outcome: Outcome,
        fault: Fault,
        detail: &Detail,
    ) -> LifecycleEvent {
        let error = match detail {
            Detail::Panic(panic) => Failure::of(fault, PanicError::clone(panic)),
            Detail::Error(source, text) => Failure::new(fault, Arc::clone(text), Arc::clone(source)),
            _ => Failure::of(fault, ReloadError::Ended { step }),
        };
        LifecycleEvent::ReloadFailed { service: self.id(ix).clone(), step, outcome, error }
    }
}
