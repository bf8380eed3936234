//! The ranges of a manager's own options.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::ManagerOptions;
use crate::report::ConfigError;

/// A manager may have twice as many threads: services', and resources'.
const SERVICE_THREADS: RangeInclusive<usize> = 1..=1024;

/// In some ten megabytes.
const MOST_EVENTS: usize = 65_536;

/// A thread is looked at four times within it, and measured in steps of that.
const SHORTEST_STALL: Duration = Duration::from_millis(10);

fn refuse(option: &'static str, value: String, mend: &'static str) -> Result<(), ConfigError> {
    Err(ConfigError::Option { option, value, mend })
}

/// Whether the options are within their ranges.
pub(crate) fn check(options: &ManagerOptions) -> Result<(), ConfigError> {
    if !SERVICE_THREADS.contains(&options.service_threads) {
        return refuse(
            "service_threads",
            options.service_threads.to_string(),
            "give at least 1 and at most 1024",
        );
    }
    if options.flight_recorder > MOST_EVENTS {
        return refuse("flight_recorder", options.flight_recorder.to_string(), "give at most 65536");
    }
    super::reload::check(options)?;
    match options.stuck_after {
        Some(limit) if limit < SHORTEST_STALL => refuse(
            "stuck_after",
            format!("{limit:?}"),
            "allow a poll at least 10ms, or give None to have nobody watch",
        ),
        _ => Ok(()),
    }
}
