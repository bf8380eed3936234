//! What observers are told, and what a failure that they are told of leads to.

use super::handover_names::HandoverEnd;
use super::names::{Cause, ErrorStage, Outcome, ResourceIx, RestartCause, ServiceIx, Step};
use super::reload_names::{ReloadEnd, ReloadStep};
use super::waits_for::WaitsFor;

/// What a failure leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fault {
    /// The part of the manager's error that it belongs to.
    pub(crate) stage: ErrorStage,
    pub(crate) remedy: Remedy,
}

/// Why a failure is none of the manager's after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Remedy {
    /// It is the manager's.
    None,
    /// Another set-up follows.
    SetupRetry,
    /// A restart, or the stop of that service alone, sees to it; or it is of a set-up that had been told to stop.
    Other,
}

impl Fault {
    pub(crate) fn is_mended(self) -> bool {
        self.remedy != Remedy::None
    }
}

impl Remedy {
    /// What sees to a failure of a service that goes down alone.
    pub(crate) fn when(alone: bool) -> Self {
        if alone { Self::Other } else { Self::None }
    }
}

/// What observers are told. The order of announcements is the order of events.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Announcement {
    StepStarted(ServiceIx, Step),
    StepFinished {
        service: ServiceIx,
        step: Step,
        outcome: Outcome,
        /// Whether it is a failure.
        error: Option<Fault>,
        /// Whether it was part of a set-up that had been told to stop.
        cancelled: bool,
    },
    /// A handler or task panicked outside of any step.
    Panicked {
        service: ServiceIx,
        resource: Option<ResourceIx>,
        error: Fault,
    },
    /// A service's actor went without being told to, outside of any step.
    ServiceLost {
        service: ServiceIx,
        outcome: Outcome,
        error: Fault,
    },
    /// A service had finished, but its actor could not be ended.
    ServiceStuck(ServiceIx, Fault),
    ResourceStarted(ResourceIx),
    /// A resource went before it was asked to release.
    ResourceLost {
        resource: ResourceIx,
        outcome: Outcome,
        error: Fault,
    },
    ReleaseStarted(ResourceIx),
    ReleaseFinished {
        resource: ResourceIx,
        outcome: Outcome,
        error: Option<Fault>,
    },
    /// A service waits before it is set up.
    Standby(ServiceIx, WaitsFor),
    /// A set-up that failed is tried again: the how manieth retry of its period it is, from 1.
    SetupRetried(ServiceIx, u32),
    RestartStarted(ServiceIx, RestartCause<ServiceIx>),
    RestartFinished(ServiceIx, Outcome),
    StopStarted(ServiceIx),
    StopFinished(ServiceIx, Outcome),
    ServiceAdded(ServiceIx),
    ServiceRemoved(ServiceIx),
    ReloadStarted,
    /// A service that took part in the reload went down.
    ReloadLeft(ServiceIx, ReloadStep),
    /// A service refused, or failed to take the new settings over.
    ReloadFailed {
        service: ServiceIx,
        step: ReloadStep,
        outcome: Outcome,
        /// Whether it is a failure of the service: to refuse is none.
        error: Option<Fault>,
    },
    ReloadFinished(ReloadEnd),
    HandoverStarted,
    HandoverFinished(HandoverEnd),
    LeaseAcquired(ServiceIx),
    LeaseLost(ServiceIx),
    /// A service is to give its lease away.
    StepDownStarted(ServiceIx),
    StepDownFinished(ServiceIx, Outcome),
    /// A service will never have its lease.
    LeaseRefused {
        service: ServiceIx,
        error: Fault,
    },
    /// Every service runs.
    Running,
    ShutdownRequested(Cause<ServiceIx>),
    Draining,
    Drained,
    Releasing,
    Stopped,
}

impl Announcement {
    /// The service that an announcement is of, if it is of one.
    pub(crate) fn service(&self) -> Option<ServiceIx> {
        use Announcement as A;
        match *self {
            A::StepStarted(service, _)
            | A::StepFinished { service, .. }
            | A::Panicked { service, .. }
            | A::ServiceLost { service, .. }
            | A::ServiceStuck(service, _)
            | A::Standby(service, _)
            | A::SetupRetried(service, _)
            | A::RestartStarted(service, _)
            | A::RestartFinished(service, _)
            | A::StopStarted(service)
            | A::StopFinished(service, _)
            | A::ReloadLeft(service, _)
            | A::ReloadFailed { service, .. }
            | A::LeaseAcquired(service)
            | A::LeaseLost(service)
            | A::StepDownStarted(service)
            | A::StepDownFinished(service, _)
            | A::LeaseRefused { service, .. }
            | A::ServiceAdded(service)
            | A::ServiceRemoved(service) => Some(service),
            A::ResourceStarted(resource)
            | A::ResourceLost { resource, .. }
            | A::ReleaseStarted(resource)
            | A::ReleaseFinished { resource, .. } => Some(resource.service),
            A::ReloadStarted
            | A::ReloadFinished(_)
            | A::HandoverStarted
            | A::HandoverFinished(_)
            | A::Running
            | A::ShutdownRequested(_)
            | A::Draining
            | A::Drained
            | A::Releasing
            | A::Stopped => None,
        }
    }
}
