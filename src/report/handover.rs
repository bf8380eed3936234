//! Why a hand-over came to nothing, where nothing more is known of it.

use crate::lifecycle::HandoverEnd;

/// A hand-over to a successor came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandoverError {
    /// The successor ended before it was ready.
    #[error(
        "the successor ended before all of its services ran, and this process serves on: its log says why it ended"
    )]
    Failed,
    /// The successor was not ready in time.
    #[error(
        "not all services of the successor ran in time, so it was ended, and this process serves on: its log says which was late"
    )]
    TimedOut,
    /// The successor ended after it was ready, and before this process had given way.
    #[error(
        "the successor ended soon after it had taken over, and this process serves again: its log says why it ended"
    )]
    TakenBack,
    /// The shutdown came first.
    #[error("the shutdown came before the successor was ready, so both end: start the program again")]
    CalledOff,
}

impl HandoverError {
    /// What a hand-over that ends so lacks.
    pub(crate) fn of(end: HandoverEnd) -> Option<Self> {
        match end {
            HandoverEnd::Passed => None,
            HandoverEnd::Failed => Some(Self::Failed),
            HandoverEnd::TimedOut => Some(Self::TimedOut),
            HandoverEnd::TakenBack => Some(Self::TakenBack),
            HandoverEnd::CalledOff => Some(Self::CalledOff),
        }
    }
}
