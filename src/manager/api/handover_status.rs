//! How hand-overs stand: of this process to a successor, and of a predecessor to it.

use std::fmt;

use serde::Serialize;

/// How hand-overs stand, where the manager [offers](crate::ManagerOptions::handover) them.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct HandoverStatus {
    /// Which process in a row this is; the first is 1.
    pub generation: u64,
    /// The number of the process before this one, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<u32>,
    /// Whether this process is in charge: not yet, where it comes up; not any more, where it has given way.
    pub in_charge: bool,
    /// The process after this one, while it comes up, and once it is in charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<SuccessorStatus>,
    /// Why the latest hand-over came to nothing; nothing again once another begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A process that is to take over.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SuccessorStatus {
    /// Its number, once it was started.
    pub pid: Option<u32>,
    /// What it said last of its set-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doing: Option<String>,
}

impl fmt::Display for HandoverStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process number {} in a row", self.generation)?;
        if let Some(predecessor) = self.predecessor {
            write!(f, ", after {predecessor}")?;
        }
        match &self.successor {
            Some(SuccessorStatus { pid, doing }) => {
                f.write_str(if self.in_charge {
                    ", starts its successor"
                } else {
                    ", has given way to its successor"
                })?;
                if let Some(pid) = pid {
                    write!(f, " {pid}")?;
                }
                if let Some(doing) = doing.as_ref().filter(|_| self.in_charge) {
                    write!(f, " ({doing})")?;
                }
            }
            None if !self.in_charge => f.write_str(", not yet in charge")?,
            None => {}
        }
        match &self.failure {
            Some(failure) => write!(f, "; the latest hand-over came to nothing: {failure}"),
            None => Ok(()),
        }
    }
}
