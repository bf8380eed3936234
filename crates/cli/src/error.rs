//! Why a command did not do what it is for, and the exit code of that.

use std::io;

use serde_json::{Value, json};

use crate::text::plain;

/// It did, or all is well.
pub(crate) const DONE: u8 = 0;
/// The answer is no, or the order was refused.
pub(crate) const NO: u8 = 1;
/// Nobody could be reached.
pub(crate) const UNREACHABLE: u8 = 2;
/// The command was used wrongly (`EX_USAGE` of sysexits.h).
pub(crate) const USAGE: u8 = 64;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{0}")]
    Usage(String),
    /// What was tried, and what came of it.
    #[error("{tried}: {why}")]
    Unreachable { tried: String, why: String, hint: &'static str },
    /// The endpoint answered, and not as it was asked.
    #[error("{error}")]
    Refused { error: String, hint: String },
    #[error("what there is to say could not be written: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Unreachable { .. } => UNREACHABLE,
            Self::Refused { .. } => NO,
            // Whoever reads has had enough: `events | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
            Self::Output(_) => NO,
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Unreachable { hint, .. } => Some(hint),
            Self::Refused { hint, .. } => Some(hint).filter(|hint| !hint.is_empty()).map(String::as_str),
            Self::Usage(_) | Self::Output(_) => None,
        }
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        json!({"error": self.to_string(), "hint": self.hint()})
    }

    /// The same for people; empty where nobody is there to read it.
    pub(crate) fn text(&self) -> String {
        if matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe) {
            return String::new();
        }
        let hint = self.hint().map(|hint| format!("  {}\n", plain(hint)));
        format!("majordomo: {}\n{}", plain(&self.to_string()), hint.unwrap_or_default())
    }
}
