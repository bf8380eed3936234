//! What a status that was made here keeps of the error behind it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use tonic::Status;

/// The error behind a status that tells all of it already.
pub(super) enum SourceNote {
    Error(Arc<dyn Error + Send + Sync>),
    /// The source of this one, whose own text the status has.
    Below(Arc<dyn Error + Send + Sync>),
    /// The source of this one, which was not as telling.
    By(Status),
}

impl SourceNote {
    pub(super) fn error(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Error(error) => &**error,
            Self::Below(error) => error.source().unwrap_or(&**error),
            Self::By(status) => status.source().unwrap_or(status),
        }
    }
}

impl fmt::Debug for SourceNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.error(), f)
    }
}

impl fmt::Display for SourceNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.error(), f)
    }
}

impl Error for SourceNote {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error().source()
    }
}
