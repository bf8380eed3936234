//! When settings are read again, and how long that may take.

use std::time::Duration;

use super::ManagerOptions;
use super::watched_file::WatchedFile;
use crate::report::ConfigError;

/// A file is looked at no more often.
const MOST_OFTEN: Duration = Duration::from_millis(10);

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
