//! How long a reload may take.

use std::time::Duration;

use super::ManagerOptions;

/// How long a service's part in a reload may take, unless told otherwise.
pub(super) const RELOAD_TIMEOUT: Duration = Duration::from_secs(30);

impl ManagerOptions {
    /// How long a service may take to [prepare](crate::PrepareReload) for new settings, and how long again to
    /// [commit](crate::CommitReload) to them. Who has not prepared by then refuses, in which case nobody changes; who has not committed has failed. A
    /// service that is being set up when a reload is asked for is waited for as long. More than zero; default: 30 s.
    pub fn reload_timeout(self, limit: Duration) -> Self {
        Self { reload_timeout: limit, ..self }
    }
}
