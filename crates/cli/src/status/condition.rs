//! What a service has come to.

use serde::Deserialize;

/// As the manager tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    /// It has not been asked to set itself up yet.
    Waiting,
    SettingUp,
    RetryingSetup,
    /// It is set up, and has nothing to run, or not yet.
    Ready,
    Running,
    Restarting,
    /// On its way to its end.
    Stopping,
    /// Down by an order.
    Stopped,
    /// Another replica may have its lease: it waits for that.
    Standby,
    /// Its main loop has returned.
    Finished,
    /// It failed, panicked, ended or was cut off.
    Failed,
    Cancelled,
    /// A newer manager says what this program does not know.
    #[default]
    #[serde(other)]
    Other,
}

impl Condition {
    /// Whether a service that is so lacks nothing, while its manager runs.
    pub(crate) fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Ready | Self::Standby | Self::Finished | Self::Other)
    }

    /// Whether it is over.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Stopped | Self::Cancelled | Self::Waiting)
    }
}

/// What a resource has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResourceCondition {
    Up,
    Releasing,
    Released,
    /// It is gone without having been released as it should.
    Failed,
    /// A newer manager says what this program does not know.
    #[default]
    #[serde(other)]
    Other,
}
