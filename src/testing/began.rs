//! When the manager of a scenario began: known to its scripted services from the first set-up on.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::base::clock;

/// Shared by the services of a scenario. Set-ups begin with the manager.
#[derive(Debug, Clone, Default)]
pub(super) struct Began(Arc<OnceLock<Instant>>);

/// Scripts are equal whenever they were begun.
impl PartialEq for Began {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Began {
    /// For how long the manager has been there.
    pub(super) fn lasted(&self) -> Duration {
        let now = clock::now();
        now.saturating_duration_since(*self.0.get_or_init(|| now))
    }
}
