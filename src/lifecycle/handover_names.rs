//! The words of hand-overs.

use std::fmt;

/// How a hand-over to a successor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandoverEnd {
    /// The successor is in charge: the shutdown of this process begins.
    Passed,
    /// The successor ended before it was ready.
    Failed,
    /// The successor was not ready in time, and was ended.
    TimedOut,
    /// The successor was ready, and went before this process had given way: this one serves on.
    TakenBack,
    /// The shutdown came before the successor was ready.
    CalledOff,
}

impl HandoverEnd {
    /// Its name in events and logs.
    pub fn name(self) -> &'static str {
        match self {
            HandoverEnd::Passed => "passed",
            HandoverEnd::Failed => "failed",
            HandoverEnd::TimedOut => "timed_out",
            HandoverEnd::TakenBack => "taken_back",
            HandoverEnd::CalledOff => "called_off",
        }
    }
}

impl fmt::Display for HandoverEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
