//! What a manager knows of a nested one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use actix::{Message, Recipient};
use tokio::sync::oneshot;

use super::messages::GetStatus;
use super::plan::ManagerPlan;
use crate::notify::Liveness;
use crate::report::ConfigError;

/// Asks a nested manager whether it answers, as the one around it was asked.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct AskForLife(pub(crate) oneshot::Sender<Liveness>);

/// Where a nested manager is asked.
#[derive(Debug, Clone)]
pub(crate) struct NestedAddresses {
    pub(crate) status: Recipient<GetStatus>,
    pub(crate) life: Recipient<AskForLife>,
}

/// What a manager knows of a nested one.
pub(crate) struct NestedBranch {
    plan: Result<ManagerPlan, ConfigError>,
    /// How many managers are in it, one within the other.
    depth: usize,
    /// Where it is asked, while it is there.
    addresses: Mutex<Option<NestedAddresses>>,
}

impl NestedBranch {
    pub(crate) fn new(plan: Result<ManagerPlan, ConfigError>, depth: usize) -> Self {
        Self { plan, depth, addresses: Mutex::default() }
    }

    /// What the nested manager would do.
    ///
    /// # Errors
    /// What cannot work.
    pub(crate) fn plan(&self) -> Result<&ManagerPlan, &ConfigError> {
        self.plan.as_ref()
    }

    /// How many managers are in it, one within the other.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Where it is asked, while it is there.
    pub(crate) fn addresses(&self) -> Option<NestedAddresses> {
        self.lock().clone()
    }

    pub(crate) fn set_addresses(&self, addresses: Option<NestedAddresses>) {
        *self.lock() = addresses;
    }

    fn lock(&self) -> MutexGuard<'_, Option<NestedAddresses>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
