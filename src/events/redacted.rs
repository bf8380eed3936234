//! Events and failures with other texts: as somebody may see them who is not to know all.

use std::sync::Arc;

use super::{Failure, LifecycleEvent, TimedEvent};

impl Failure {
    /// The same with its text changed.
    pub(crate) fn redacted(&self, redact: &dyn Fn(&str) -> String) -> Self {
        Self::new(self.fault(), redact(self.text()).into(), Arc::clone(self.source()))
    }
}

impl TimedEvent {
    /// The same, where it tells of a failure, with that one's text changed.
    pub(crate) fn redacted(&self, redact: &dyn Fn(&str) -> String) -> Option<Self> {
        self.event.failure()?;
        let mut copy = self.clone();
        if let Some(failure) = copy.event.failure_mut() {
            *failure = failure.redacted(redact);
        }
        Some(copy)
    }
}

impl LifecycleEvent {
    /// As [`failure`](Self::failure). What may hold a failure is named here, and what may not, too: one that was forgotten would be shown
    /// as it is.
    fn failure_mut(&mut self) -> Option<&mut Failure> {
        match self {
            Self::RegisterFinished { end, .. }
            | Self::SetupFinished { end, .. }
            | Self::RunFinished { end, .. }
            | Self::ShutdownFinished { end, .. }
            | Self::ResourceLost { end, .. }
            | Self::ReleaseFinished { end, .. }
            | Self::RestartFinished { end, .. }
            | Self::ReloadFinished { end, .. }
            | Self::StopFinished { end, .. } => end.error.as_mut(),
            Self::HandoverFinished { error, .. } => error.as_mut(),
            Self::Lease(lease) => lease.error_mut(),
            Self::Panicked { error, .. }
            | Self::ReloadFailed { error, .. }
            | Self::ServiceLost { error, .. }
            | Self::ServiceStuck { error, .. } => Some(error),
            Self::RegisterStarted { .. }
            | Self::Standby { .. }
            | Self::SetupStarted { .. }
            | Self::RunStarted { .. }
            | Self::ShutdownStarted { .. }
            | Self::ResourceStarted { .. }
            | Self::ReleaseStarted { .. }
            | Self::SetupRetried { .. }
            | Self::RestartStarted { .. }
            | Self::RestartDelayed { .. }
            | Self::StopStarted { .. }
            | Self::StallStarted { .. }
            | Self::StallFinished { .. }
            | Self::ServiceAdded { .. }
            | Self::ServiceRemoved { .. }
            | Self::ReloadStarted
            | Self::HandoverStarted
            | Self::SuccessorStarted { .. }
            | Self::SuccessorReady { .. }
            | Self::HandoverRefused { .. }
            | Self::TookOver { .. }
            | Self::SocketsClosed { .. }
            | Self::Operations { .. }
            | Self::Running
            | Self::Serving { .. }
            | Self::ServiceServing { .. }
            | Self::StreamsEnded { .. }
            | Self::ShutdownRequested { .. }
            | Self::CallsInFlight { .. }
            | Self::Draining
            | Self::Drained
            | Self::Releasing
            | Self::Progress { .. }
            | Self::Missed { .. }
            | Self::Stopped => None,
        }
    }
}
