//! What becomes of the lease of a service that runs on one replica only.

use std::time::Duration;

use serde::Serialize;

use super::{End, Failure, Name};
use crate::base::as_ms;

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
    /// It is told to give its lease away, so that another replica has it: it stops.
    StepDownStarted {
        /// Whom it concerns.
        service: Name,
        /// The lease.
        lease: Name,
        /// Its epoch.
        epoch: u64,
        /// For how long it asks for none, once it has given that away.
        #[serde(rename = "stay_out_ms", serialize_with = "as_ms")]
        stay_out: Duration,
    },
    /// It has given its lease away (`ok`), though it had to be cut off (`forced`), and stays out from here on; or another order, or the shutdown, came
    /// first (`ended`).
    StepDownFinished {
        /// Whom it concerns.
        service: Name,
        /// The lease.
        lease: Name,
        /// How it went.
        #[serde(flatten)]
        end: End,
    },
}

impl LeaseEvent {
    /// The service that it concerns.
    pub fn service(&self) -> &Name {
        match self {
            Self::LeaseAcquired { service, .. }
            | Self::LeaseLost { service, .. }
            | Self::StepDownStarted { service, .. }
            | Self::StepDownFinished { service, .. } => service,
        }
    }

    /// Why the lease was lost, to be changed.
    pub(super) fn error_mut(&mut self) -> Option<&mut Failure> {
        match self {
            Self::LeaseLost { error, .. } => Some(error),
            Self::StepDownFinished { end, .. } => end.error.as_mut(),
            Self::LeaseAcquired { .. } | Self::StepDownStarted { .. } => None,
        }
    }
}
