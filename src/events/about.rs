//! What an event says, whatever its kind: whom it concerns, which step, how that ended.
//!
//! A new event gets its arm in [`LifecycleEvent::about`] and in [`LifecycleEvent::severity`]; reports, status and rehearsals read
//! these.

use super::{End, Failure, LeaseEvent, LifecycleEvent, Name};
use crate::lifecycle::{Activity, Outcome, ReloadStep, Step};

/// What an event says of an activity.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phase<'a> {
    Started,
    Finished(&'a End),
    /// A failure outside of the pairs of events.
    Failed(Outcome, &'a Failure),
}

/// The parts that events have in common.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub(crate) service: Option<&'a Name>,
    pub(crate) resource: Option<&'a Name>,
    /// What was done when this happened; `None` where the event is of no activity of an actor.
    pub(crate) activity: Option<Activity>,
    pub(crate) phase: Option<Phase<'a>>,
}

impl LifecycleEvent {
    /// The service that it concerns; `None` where it concerns the manager.
    pub fn service(&self) -> Option<&Name> {
        self.about().service
    }

    /// The resource that it concerns, where it concerns one.
    pub fn resource(&self) -> Option<&Name> {
        self.about().resource
    }

    /// The step that it begins or ends, where it does.
    pub fn step(&self) -> Option<Step> {
        self.about().activity.and_then(Activity::step)
    }

    /// How what it speaks of ended, where it did.
    pub fn end(&self) -> Option<&End> {
        match self.about().phase {
            Some(Phase::Finished(end)) => Some(end),
            _ => None,
        }
    }

    /// The outcome of what it speaks of, where that is over.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.about().phase? {
            Phase::Started => None,
            Phase::Finished(end) => Some(end.outcome),
            Phase::Failed(outcome, _) => Some(outcome),
        }
    }

    /// What went wrong, where something did.
    pub fn failure(&self) -> Option<&Failure> {
        match self.about().phase? {
            Phase::Started => None,
            Phase::Finished(end) => end.error.as_ref(),
            Phase::Failed(_, error) => Some(error),
        }
    }

    pub(crate) fn about(&self) -> About<'_> {
        use Phase::{Failed, Finished, Started};
        let of = |service, activity, phase| About {
            service: Some(service),
            resource: None,
            activity: Some(activity),
            phase: Some(phase),
        };
        let step = |service, step, phase| of(service, Activity::Step(step), phase);
        let resource = |service, resource, activity, phase| About {
            resource: Some(resource),
            ..of(service, activity, phase)
        };
        let service = |service| About { service: Some(service), ..About::default() };
        match self {
            Self::RegisterStarted { service } => step(service, Step::Register, Started),
            Self::RegisterFinished { service, end } => step(service, Step::Register, Finished(end)),
            Self::SetupStarted { service } => step(service, Step::Setup, Started),
            Self::SetupFinished { service, end } => step(service, Step::Setup, Finished(end)),
            Self::RunStarted { service } => step(service, Step::Run, Started),
            Self::RunFinished { service, end } => step(service, Step::Run, Finished(end)),
            Self::ShutdownStarted { service } => step(service, Step::Shutdown, Started),
            Self::ShutdownFinished { service, end } => step(service, Step::Shutdown, Finished(end)),
            Self::ResourceStarted { service, resource: name } => {
                About { activity: None, ..resource(service, name, Activity::Handler, Started) }
            }
            Self::ResourceLost { service, resource: name, end } => {
                resource(service, name, Activity::Handler, Finished(end))
            }
            Self::ReleaseStarted { service, resource: name } => {
                resource(service, name, Activity::Release, Started)
            }
            Self::ReleaseFinished { service, resource: name, end } => {
                resource(service, name, Activity::Release, Finished(end))
            }
            Self::Panicked { service, resource, error } => About {
                resource: resource.as_ref(),
                ..of(service, Activity::Handler, Failed(Outcome::Panic, error))
            },
            Self::ServiceLost { service, outcome, error } => {
                of(service, Activity::Handler, Failed(*outcome, error))
            }
            Self::ServiceStuck { service, error } => {
                of(service, Activity::Ending, Failed(Outcome::Forced, error))
            }
            Self::ReloadFailed { service: name, step, outcome, error } => About {
                // To refuse is no failure of the service.
                activity: (*step == ReloadStep::Commit).then_some(Activity::Handler),
                phase: Some(Failed(*outcome, error)),
                ..service(name)
            },
            Self::Lease(lease) => {
                let phase = match lease {
                    LeaseEvent::LeaseLost { error, .. } => Some(Failed(Outcome::Error, error)),
                    LeaseEvent::StepDownStarted { .. } => Some(Started),
                    LeaseEvent::StepDownFinished { end, .. } => Some(Finished(end)),
                    LeaseEvent::LeaseAcquired { .. } => None,
                };
                About { phase, ..service(lease.service()) }
            }
            Self::HandoverFinished { error: Some(error), .. } => {
                About { phase: Some(Failed(Outcome::Error, error)), ..About::default() }
            }
            Self::ReloadFinished { end, .. } => About { phase: Some(Finished(end)), ..About::default() },
            Self::RestartFinished { service: name, end } | Self::StopFinished { service: name, end } => {
                About { phase: Some(Finished(end)), ..service(name) }
            }
            Self::RestartStarted { service: name, .. } | Self::StopStarted { service: name } => {
                About { phase: Some(Started), ..service(name) }
            }
            Self::Standby { service: name, .. }
            | Self::SetupRetried { service: name, .. }
            | Self::RestartDelayed { service: name, .. }
            | Self::ServiceAdded { service: name }
            | Self::ServiceServing { service: name, .. }
            | Self::StreamsEnded { service: name, .. }
            | Self::ServiceRemoved { service: name } => service(name),
            Self::StallStarted { service: name, resource, .. }
            | Self::StallFinished { service: name, resource, .. } => {
                About { resource: resource.as_ref(), ..service(name) }
            }
            Self::Operations { .. }
            | Self::ReloadStarted
            | Self::HandoverStarted
            | Self::SuccessorStarted { .. }
            | Self::SuccessorReady { .. }
            | Self::HandoverRefused { .. }
            | Self::TookOver { .. }
            | Self::SocketsClosed { .. }
            | Self::HandoverFinished { error: None, .. }
            | Self::Running
            | Self::Serving { .. }
            | Self::ShutdownRequested { .. }
            | Self::CallsInFlight { .. }
            | Self::Draining
            | Self::Drained
            | Self::Releasing
            | Self::Progress { .. }
            | Self::Missed { .. }
            | Self::Stopped => About::default(),
        }
    }

    /// Whether the manager's shutdown cut something off.
    pub(crate) fn is_forced(&self) -> bool {
        let About { activity, phase, .. } = self.about();
        match (activity, phase) {
            (Some(Activity::Step(_) | Activity::Release), Some(Phase::Finished(end))) => end.is_forced(),
            (Some(Activity::Ending), Some(Phase::Failed(_, error))) => !error.is_mended(),
            _ => false,
        }
    }
}
