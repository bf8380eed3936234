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
    /// As [`failure`](Self::failure).
    fn failure_mut(&mut self) -> Option<&mut Failure> {
        match self {
            Self::RegisterFinished { end, .. }
            | Self::SetupFinished { end, .. }
            | Self::RunFinished { end, .. }
            | Self::ShutdownFinished { end, .. }
            | Self::ResourceLost { end, .. }
            | Self::ReleaseFinished { end, .. }
            | Self::RestartFinished { end, .. }
            | Self::StopFinished { end, .. } => end.error.as_mut(),
            Self::Panicked { error, .. }
            | Self::ServiceLost { error, .. }
            | Self::ServiceStuck { error, .. } => Some(error),
            _ => None,
        }
    }
}
