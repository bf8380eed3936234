//! How much events matter.

use super::{End, Failure, LeaseEvent, LifecycleEvent};
use crate::lifecycle::{HandoverEnd, Outcome, ReloadEnd, ReloadStep};

/// How much an event matters to whoever operates the program, as levels of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// A detail of a life that goes well.
    Debug,
    /// A turn in the life of a service, or of the manager.
    Info,
    /// Something is slow, or goes down and comes back.
    Warning,
    /// Something failed.
    Error,
}

impl LifecycleEvent {
    /// How much it matters. It is logged at this level.
    pub fn severity(&self) -> Severity {
        match self {
            Self::RunStarted { .. }
            | Self::Standby { .. }
            | Self::RestartDelayed { .. }
            | Self::StopStarted { .. }
            | Self::ServiceAdded { .. }
            | Self::ServiceRemoved { .. }
            | Self::Operations { .. }
            | Self::ReloadStarted
            | Self::HandoverStarted
            | Self::SuccessorStarted { .. }
            | Self::SuccessorReady { .. }
            | Self::TookOver { .. }
            | Self::Running
            | Self::Serving { .. }
            | Self::ServiceServing { .. }
            | Self::StreamsEnded { .. }
            | Self::ShutdownRequested { .. }
            | Self::CallsInFlight { .. }
            | Self::Stopped
            | Self::StallFinished { goes_on: false, .. } => Severity::Info,
            Self::RegisterStarted { .. }
            | Self::SetupStarted { .. }
            | Self::ShutdownStarted { .. }
            | Self::ResourceStarted { .. }
            | Self::ReleaseStarted { .. }
            | Self::Draining
            | Self::Drained
            | Self::Releasing => Severity::Debug,
            Self::SetupRetried { .. }
            | Self::RestartStarted { .. }
            | Self::StallStarted { .. }
            | Self::StallFinished { .. }
            | Self::Progress { .. }
            | Self::HandoverRefused { .. }
            | Self::SocketsClosed { .. }
            | Self::Missed { .. } => Severity::Warning,
            Self::Lease(LeaseEvent::LeaseLost { .. }) => Severity::Warning,
            Self::Lease(LeaseEvent::StepDownFinished { end, .. }) => severity_of(end),
            Self::Lease(_) => Severity::Info,
            Self::ReloadFailed { step: ReloadStep::Prepare, .. } => Severity::Warning,
            Self::ReloadFailed { .. }
            | Self::Panicked { .. }
            | Self::ServiceLost { .. }
            | Self::ServiceStuck { .. } => Severity::Error,
            // This process serves on: a failed hand-over has cost nothing.
            Self::HandoverFinished {
                outcome: HandoverEnd::Failed | HandoverEnd::TimedOut | HandoverEnd::TakenBack,
                ..
            } => Severity::Warning,
            Self::HandoverFinished { .. } => Severity::Info,
            // A shutdown is nothing to be woken for.
            Self::ReloadFinished { result: ReloadEnd::CalledOff, .. } => Severity::Info,
            Self::ReloadFinished { end, .. }
            | Self::RegisterFinished { end, .. }
            | Self::SetupFinished { end, .. }
            | Self::RunFinished { end, .. }
            | Self::ShutdownFinished { end, .. }
            | Self::ResourceLost { end, .. }
            | Self::ReleaseFinished { end, .. }
            | Self::RestartFinished { end, .. }
            | Self::StopFinished { end, .. } => severity_of(end),
        }
    }
}

/// A set-up that fails and is tried again is a warning, unless it panicked.
fn severity_of(end: &End) -> Severity {
    let retried = end.error.as_ref().is_some_and(Failure::is_retried) && end.outcome != Outcome::Panic;
    match end.error {
        None => Severity::Info,
        Some(_) if end.cancelled => Severity::Info,
        Some(_) if retried => Severity::Warning,
        Some(_) => Severity::Error,
    }
}
