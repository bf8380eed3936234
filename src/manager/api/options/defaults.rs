//! What holds where nothing was said.

use std::time::Duration;

/// How many threads services share at most, unless told otherwise.
pub(super) const SERVICE_THREADS: usize = 16;

/// How many events are kept, unless told otherwise.
pub(super) const FLIGHT_RECORDER: usize = 64;

/// How many bytes of an error are logged, unless told otherwise.
pub(super) const LOG_ERROR_LIMIT: usize = 4_096;

/// How long a poll may last, unless told otherwise.
pub(super) const STUCK_AFTER: Duration = Duration::from_secs(1);

/// How long a service's part in a reload may take, unless told otherwise.
pub(super) const RELOAD_TIMEOUT: Duration = Duration::from_secs(30);
