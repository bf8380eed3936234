//! The words of reloads.

use std::fmt;

/// What a reload asks of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReloadStep {
    /// `PrepareReload`
    Prepare,
    /// `CommitReload`
    Commit,
}

impl ReloadStep {
    /// Its name in events, errors and logs.
    pub fn name(self) -> &'static str {
        match self {
            ReloadStep::Prepare => "prepare_reload",
            ReloadStep::Commit => "commit_reload",
        }
    }
}

impl fmt::Display for ReloadStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a reload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReloadEnd {
    /// All who take part have committed.
    Done,
    /// Somebody could not prepare: nobody has changed.
    Refused,
    /// All have prepared, and somebody failed to commit: it is restarted, if its policy says so.
    Incomplete,
    /// The shutdown came before its end.
    CalledOff,
}

impl ReloadEnd {
    /// Its name in events and logs.
    pub fn name(self) -> &'static str {
        match self {
            ReloadEnd::Done => "done",
            ReloadEnd::Refused => "refused",
            ReloadEnd::Incomplete => "incomplete",
            ReloadEnd::CalledOff => "called_off",
        }
    }
}

impl fmt::Display for ReloadEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
