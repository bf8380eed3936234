//! What a store answered, as numbers and text. A store's own error is shown, and dropped, where the store's code runs.

use std::sync::Arc;
use std::time::Duration;

use super::errors::LeaseError;
use crate::base::peer_text;

/// How much of an error is kept.
const MOST_TEXT: usize = 1024;

#[derive(Debug)]
pub(super) enum Answer {
    /// Done; where the lease was asked for, with this epoch.
    Done(u64),
    /// Another has it.
    Taken {
        by: Arc<str>,
        left: Option<Duration>,
        text: Arc<str>,
    },
    Away(Arc<str>),
    Refused(Arc<str>),
}

impl Answer {
    /// Calls code of the store's: its error shows itself.
    pub(super) fn of(result: Result<u64, LeaseError>) -> Self {
        let error = match result {
            Ok(epoch) => return Self::Done(epoch),
            Err(error) => error,
        };
        let text = peer_text::shown_within(&error.to_string(), MOST_TEXT).into();
        match error {
            LeaseError::Taken { by, left } => {
                Self::Taken { by: peer_text::shown(&by).to_string().into(), left, text }
            }
            LeaseError::Away(_) => Self::Away(text),
            LeaseError::Refused(_) => Self::Refused(text),
        }
    }
}
