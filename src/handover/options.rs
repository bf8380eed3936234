//! How a successor is started, as a user may choose.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::command::{Changes, Start, SuccessorCommand};
use crate::report::HandoverError;

/// How long a successor may take until all of it runs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long the predecessor could take back while its connections end.
const GIVE_WAY: Duration = Duration::from_secs(5);

/// How a process hands over to a successor: its own program, started anew, which gets every socket that listens and serves before this
/// process stops to.
///
/// Unless told otherwise the successor is started as this process was: the same name, looked up when a hand-over is asked, so that a file that
/// was replaced or a link that was switched is found; the same arguments, environment and directory as when the manager was started.
///
/// ```
/// use std::time::Duration;
///
/// use majordomo::Handover;
///
/// let handover = Handover::new().program("/srv/shop/current/shop").timeout(Duration::from_secs(20));
/// ```
#[must_use = "options do nothing until they are given to a manager"]
#[derive(Debug, Clone)]
pub struct Handover {
    changes: Changes,
    timeout: Duration,
    give_way: Duration,
}

/// Options that may work, and what a successor is started as. Clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct CheckedHandover {
    /// After that long the manager ends a successor that is not ready.
    pub(crate) timeout: Duration,
    /// For that long after `in charge` the predecessor could take back.
    pub(crate) give_way: Duration,
    pub(super) command: Arc<SuccessorCommand>,
}

impl Default for Handover {
    fn default() -> Self {
        Self::new()
    }
}

impl Handover {
    /// The successor is started as this process was, has 60 s to be ready, and this process could take back for 5 s after that.
    pub fn new() -> Self {
        Self { changes: Changes::default(), timeout: TIMEOUT, give_way: GIVE_WAY }
    }

    /// The program to start. A path without a slash is searched in `PATH`; a relative one begins at the directory of the successor.
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.changes.program = Some(path.into());
        self
    }

    /// Its arguments, without the name of the program, in place of this process's.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.changes.args = Some(args.into_iter().map(Into::into).collect());
        self
    }

    /// A variable of its environment, beside those that this process was started with, or in the place of one.
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.changes.env.push((key.into(), value.into()));
        self
    }

    /// The directory to start it in, in place of this process's.
    pub fn current_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.changes.current_dir = Some(path.into());
        self
    }

    /// How long it may take until all of its services run: 60 s. Then it is killed, and this process serves on.
    pub fn timeout(self, limit: Duration) -> Self {
        Self { timeout: limit, ..self }
    }

    /// How long this process can take back, while its connections end, if the successor goes after it was in charge: 5 s. With zero it never does.
    pub fn give_way(self, time: Duration) -> Self {
        Self { give_way: time, ..self }
    }

    /// Takes down how this process was started; to be asked when a manager starts.
    ///
    /// # Errors
    /// What cannot work.
    pub(crate) fn check(&self) -> Result<CheckedHandover, HandoverError> {
        let refuse = |option, value: String, mend| Err(HandoverError::Option { option, value, mend });
        if self.timeout.is_zero() {
            return refuse("timeout", "0".to_owned(), "give the successor the time that its set-up may take");
        }
        let is_key = |key: &OsStr| {
            let bytes = key.as_encoded_bytes();
            !bytes.is_empty() && !bytes.iter().any(|byte| b"=\0".contains(byte))
        };
        if let Some((key, _)) = self.changes.env.iter().find(|(key, _)| !is_key(key)) {
            return refuse("env", format!("{key:?}"), "name a variable without = in its name");
        }
        let command = SuccessorCommand::new(Start::of_process(), &self.changes);
        Ok(CheckedHandover { timeout: self.timeout, give_way: self.give_way, command: Arc::new(command) })
    }
}
