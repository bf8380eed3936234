//! When settings are read again, and how long that may take.

use std::path::PathBuf;
use std::time::Duration;

use super::ManagerOptions;
use crate::report::ConfigError;

/// How long a service's part in a reload may take, unless told otherwise.
pub(super) const RELOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a file is looked at, unless told otherwise.
const EVERY: Duration = Duration::from_secs(5);

/// A file is looked at no more often.
const MOST_OFTEN: Duration = Duration::from_millis(10);

/// A file whose change asks for a [reload](crate::Reload): for [`ManagerOptions::reload_on_change`].
#[derive(Debug, Clone)]
#[must_use = "nobody looks at the file before it is given to a manager"]
pub struct WatchedFile {
    pub(crate) path: PathBuf,
    pub(crate) every: Duration,
}

/// A file that is to be looked at every 5 s.
///
/// ```
/// use majordomo::{ManagerOptions, watched_file};
///
/// let options = ManagerOptions::new().reload_on_change(watched_file("/etc/example/settings.toml"));
/// ```
pub fn watched_file(path: impl Into<PathBuf>) -> WatchedFile {
    WatchedFile { path: path.into(), every: EVERY }
}

impl WatchedFile {
    /// How often the file is looked at; of several in one manager the shortest counts for all. At least 10 ms; default: 5 s.
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }
}

impl ManagerOptions {
    /// How long a service may take to [prepare](crate::PrepareReload) for new settings, and how long again to
    /// [commit](crate::CommitReload) to them. Who has not prepared by then refuses, in which case nobody changes; who has not committed has failed. A
    /// service that is being set up when a reload is asked for is waited for as long. More than zero; default: 30 s.
    pub fn reload_timeout(self, limit: Duration) -> Self {
        Self { reload_timeout: limit, ..self }
    }

    /// Adds a file whose change asks for a [reload](crate::Reload), of which the log tells what came. Default: none, and nobody looks at anything.
    ///
    /// The file is read now and then, by a thread of its own, and counts as changed when it holds something else than before twice in a row: so one that is
    /// half written is waited for, and it does not matter whether an editor or Kubernetes puts another file in its place. One that is not there has not changed.
    /// No more than 16 MiB of a file are read; a larger one is told in the log, and not watched.
    pub fn reload_on_change(mut self, file: WatchedFile) -> Self {
        self.watched_files.push(file);
        self
    }
}

/// Whether these can work.
pub(super) fn check(options: &ManagerOptions) -> Result<(), ConfigError> {
    let refused = |option, value, mend| Err(ConfigError::Option { option, value, mend });
    if options.reload_timeout.is_zero() {
        return refused("reload_timeout", "0s".to_owned(), "allow some time to read and check settings");
    }
    match options.watched_files.iter().find(|file| file.every < MOST_OFTEN) {
        Some(file) => refused("WatchedFile::every", format!("{:?}", file.every), "give at least 10ms"),
        None => Ok(()),
    }
}
