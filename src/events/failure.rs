//! How things end, and what went wrong.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::base::as_ms;
use crate::lifecycle::{ErrorStage, Fault, Outcome, Remedy};

/// How something that had started ended.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct End {
    /// How long it took.
    #[serde(rename = "took_ms", serialize_with = "as_ms")]
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong, where something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// Whether it was part of a set-up that had been told to stop: then its error is no failure.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

impl End {
    /// Whether the manager's shutdown cut it off: not a restart, nor a stop of its own.
    pub(crate) fn is_forced(&self) -> bool {
        self.outcome == Outcome::Forced && !self.error.as_ref().is_some_and(Failure::is_mended)
    }
}

/// An error on its way from an actor to the reports: its text is taken where it arose, so that reading it
/// runs nobody's code.
#[derive(Clone)]
pub struct Failure(Arc<Inner>);

/// Behind a pointer, since most steps of most lives have none.
struct Inner {
    fault: Fault,
    text: Arc<str>,
    source: Arc<dyn Error + Send + Sync>,
}

impl Failure {
    pub(crate) fn new(fault: Fault, text: Arc<str>, source: Arc<dyn Error + Send + Sync>) -> Self {
        Self(Arc::new(Inner { fault, text, source }))
    }

    /// For errors of this crate, whose text is harmless to make anywhere.
    pub(crate) fn of(fault: Fault, error: impl Error + Send + Sync + 'static) -> Self {
        Self::new(fault, error.to_string().into(), Arc::new(error))
    }

    pub(super) fn fault(&self) -> Fault {
        self.0.fault
    }

    /// The part of the manager's error that it belongs to, unless it [is mended](Self::is_mended).
    pub fn stage(&self) -> ErrorStage {
        self.0.fault.stage
    }

    /// Whether it is no error of the manager's: a restart, or the stop of that service alone, sees to it; or it is of a set-up
    /// that had been told to stop.
    pub fn is_mended(&self) -> bool {
        self.0.fault.is_mended()
    }

    /// Whether it is of a set-up that is tried again.
    pub(crate) fn is_retried(&self) -> bool {
        self.0.fault.remedy == Remedy::SetupRetry
    }

    /// The error itself.
    pub fn source(&self) -> &Arc<dyn Error + Send + Sync> {
        &self.0.source
    }

    /// Its text.
    pub fn text(&self) -> &Arc<str> {
        &self.0.text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({}: {})", self.0.fault.stage, self.0.text)
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text)
    }
}
