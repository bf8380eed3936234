//! A file whose change asks for a reload.

use std::path::PathBuf;
use std::time::Duration;

/// How often a file is looked at, unless told otherwise.
const EVERY: Duration = Duration::from_secs(5);

/// A file whose change asks for a [reload](crate::Reload): for [`ManagerOptions::reload_on_change`](crate::ManagerOptions::reload_on_change).
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
