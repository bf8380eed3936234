//! What a store answers when it does not do what it was asked, and what that means to a service.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{BoxError, Name, peer_text};

/// Why a store has not done what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// Another has it.
    #[error("{} has it{}", peer_text::shown(.by), for_at_most(*.left))]
    Taken {
        /// Who.
        by: String,
        /// For how long at most from now on, by the store's clock, where it says so.
        left: Option<Duration>,
    },
    /// The store did not answer, or may answer otherwise later. Whether it did what it was asked is not known.
    #[error("{0}")]
    Away(#[source] BoxError),
    /// The store will never do it: a wrong password, a table of another version.
    #[error("{0}")]
    Refused(#[source] BoxError),
}

impl LeaseError {
    /// The store could not be reached, or not in time.
    pub fn away(error: impl Into<BoxError>) -> Self {
        Self::Away(error.into())
    }

    /// To ask again is of no use.
    pub fn refused(error: impl Into<BoxError>) -> Self {
        Self::Refused(error.into())
    }
}

fn for_at_most(left: Option<Duration>) -> String {
    left.map(|left| format!(" for at most {left:.1?}")).unwrap_or_default()
}

/// Why a service has lost its lease. It stops, and stands by again.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseLostError {
    /// The store says that another has it.
    #[error("{service} has lost the lease {lease:?}: {error}; it is cut, and stands by")]
    Taken {
        /// Whose it was.
        service: Name,
        /// Its name.
        lease: Name,
        /// What the store said.
        error: Arc<str>,
    },
    /// It could not be renewed in time.
    #[error(
        "{service} cannot keep the lease {lease:?}, which was not renewed in time ({error}): it stops, and stands by; see to the store"
    )]
    Late {
        /// Whose it was.
        service: Name,
        /// Its name.
        lease: Name,
        /// What was heard of the store last.
        error: Arc<str>,
    },
}

/// A service will never have its lease: the manager ends.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{service} will never have the lease {lease:?}, since its store refuses it ({error}): mend what that names, and start again"
)]
#[non_exhaustive]
pub struct LeaseRefusedError {
    /// Whose it would have been.
    pub service: Name,
    /// Its name.
    pub lease: Name,
    /// What the store said.
    pub error: Arc<str>,
}
