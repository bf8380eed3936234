//! What a manager knows of a nested one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use actix::Recipient;

use super::messages::GetStatus;
use super::plan::ManagerPlan;
use crate::report::ConfigError;

/// What a manager knows of a nested one.
pub(crate) struct NestedBranch {
    plan: Result<ManagerPlan, ConfigError>,
    /// How many managers are in it, one within the other.
    depth: usize,
    /// Where its status is asked for, while it is there.
    status: Mutex<Option<Recipient<GetStatus>>>,
}

impl NestedBranch {
    pub(crate) fn new(plan: Result<ManagerPlan, ConfigError>, depth: usize) -> Self {
        Self { plan, depth, status: Mutex::default() }
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

    /// Where its status is asked for, while it is there.
    pub(crate) fn status(&self) -> Option<Recipient<GetStatus>> {
        self.lock().clone()
    }

    pub(crate) fn set_status(&self, status: Option<Recipient<GetStatus>>) {
        *self.lock() = status;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Recipient<GetStatus>>> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
