//! Why a service did not do its part in a reload, where it said nothing itself.

use std::time::Duration;

use crate::lifecycle::ReloadStep;

/// A service did not do its part in a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// It did not answer in time.
    #[error(
        "no answer to {step} within {within:?}: limit what it waits for, or allow more time by reload_timeout"
    )]
    NoAnswer {
        /// What it was asked.
        step: ReloadStep,
        /// How much time it had.
        within: Duration,
    },
    /// It ended, or dropped the message.
    #[error("it ended without an answer to {step}: answer it, with an error where it cannot be done")]
    Ended {
        /// What it was asked.
        step: ReloadStep,
    },
    /// It went down: it failed, was stopped or restarted, or depends on one that was.
    #[error("it went down before it had answered {step}: reload again once it is up")]
    WentDown {
        /// What it was asked, or would have been.
        step: ReloadStep,
    },
}
