//! What becomes of the lease of a service that runs on one replica only.

use serde::Serialize;

use super::{Failure, Name};

/// What becomes of the lease of a service that is [`only_with`](crate::ServiceSpec::only_with) one.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeaseEvent {
    /// It has its lease: its set-up begins.
    LeaseAcquired {
        /// Whom it concerns.
        service: Name,
        /// The lease.
        lease: Name,
        /// Its epoch: greater than that of any life before, on any replica.
        epoch: u64,
    },
    /// It cannot keep its lease: it stops, and stands by again.
    LeaseLost {
        /// Whom it concerns.
        service: Name,
        /// The lease.
        lease: Name,
        /// Its epoch.
        epoch: u64,
        /// Why.
        error: Failure,
    },
}

impl LeaseEvent {
    /// The service that it concerns.
    pub fn service(&self) -> &Name {
        match self {
            Self::LeaseAcquired { service, .. } | Self::LeaseLost { service, .. } => service,
        }
    }

    /// Why the lease was lost, if it was.
    pub(super) fn error(&self) -> Option<&Failure> {
        match self {
            Self::LeaseLost { error, .. } => Some(error),
            Self::LeaseAcquired { .. } => None,
        }
    }

    /// The same, to be changed.
    pub(super) fn error_mut(&mut self) -> Option<&mut Failure> {
        match self {
            Self::LeaseLost { error, .. } => Some(error),
            Self::LeaseAcquired { .. } => None,
        }
    }
}
