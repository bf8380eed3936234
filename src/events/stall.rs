//! Why somebody doesn't get on.

use std::fmt;

use serde::Serialize;

use super::Name;

/// Why a service or a resource doesn't get on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "stall", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stall {
    /// It has been polled for too long, and nothing else on its thread meanwhile: it handles a message, or a future, that
    /// doesn't return; or messages come faster than it handles them, since actix goes on until the mailbox is empty.
    Stuck {
        /// The step that it owes an answer for: `register`, `setup`, `run`, `shutdown` or `release`; or `its messages`. While
        /// it runs, what holds it may as well be a message of its own: actix does not tell which.
        doing: &'static str,
        /// What the operating system calls its thread.
        thread: Name,
    },
    /// The handler of a gRPC call has been polled for too long, and no other call on its worker meanwhile.
    StuckCall {
        /// What was called: `/package.Service/Method`.
        method: Name,
        /// The worker's thread.
        thread: Name,
    },
    /// It has something to do, but another is stuck on its thread.
    Starved {
        /// The service that it waits for, or that blocks it.
        by: Name,
    },
    /// It can neither start nor stop before another has, and that one is stuck.
    Waiting {
        /// The service that it waits for, or that blocks it.
        on: Name,
    },
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stuck { doing, thread } => write!(f, "stuck ({doing}, on {thread})"),
            Self::StuckCall { method, thread } => write!(f, "stuck ({method}, on {thread})"),
            Self::Starved { by } => write!(f, "starved by {by}"),
            Self::Waiting { on } => write!(f, "waiting on {on}"),
        }
    }
}
