//! Which options of an engine are refused, and why.

use std::fmt::{Debug, Display};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::report::ConfigError;
use crate::server::options::EngineOptions;

/// No longer, so that a moment that lies that far ahead can always be told.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
pub(crate) const LONGEST_TCP_KEEPALIVE: Duration = Duration::from_secs(32_767);
/// HTTP/2's own default, below which a connection's window cannot begin.
const WINDOWS: RangeInclusive<u32> = 65_535..=(1 << 31) - 1;
const FRAMES: RangeInclusive<u32> = 16_384..=16_777_215;
const LEAST_HEADERS: u32 = 512;
/// Each is a thread.
const MOST_WORKERS: usize = 1024;

pub(crate) type Check = Result<(), ConfigError>;

/// What the options of an engine are called where they are set.
pub(crate) struct EngineNames {
    pub(crate) workers: &'static str,
    pub(crate) max_connections: &'static str,
    pub(crate) max_concurrent_streams: &'static str,
    pub(crate) max_concurrent_calls: &'static str,
    pub(crate) max_concurrent_calls_per_connection: &'static str,
    pub(crate) max_watches_per_connection: &'static str,
    pub(crate) initial_stream_window_size: &'static str,
    pub(crate) initial_connection_window_size: &'static str,
    pub(crate) max_frame_size: &'static str,
    pub(crate) max_header_list_size: &'static str,
    pub(crate) request_timeout: &'static str,
    pub(crate) handshake_timeout: &'static str,
    pub(crate) keepalive_interval: &'static str,
    pub(crate) keepalive_timeout: &'static str,
    pub(crate) max_connection_age: &'static str,
    pub(crate) max_connection_age_grace: &'static str,
    pub(crate) max_connection_idle: &'static str,
    pub(crate) write_timeout: &'static str,
    pub(crate) stream_grace: &'static str,
    pub(crate) tcp_keepalive: &'static str,
}

/// The names of an engine's options, as setters of a type of options; those that are called something else there come last.
macro_rules! engine_names {
    ($options:literal $(, $field:ident = $name:literal)*) => {{
        #[allow(unused_mut)]
        let mut names = $crate::server::check::EngineNames {
            workers: concat!($options, "::workers"),
            max_connections: concat!($options, "::max_connections"),
            max_concurrent_streams: concat!($options, "::max_concurrent_streams"),
            max_concurrent_calls: concat!($options, "::max_concurrent_calls"),
            max_concurrent_calls_per_connection: concat!($options, "::max_concurrent_calls_per_connection"),
            max_watches_per_connection: concat!($options, "::max_watches_per_connection"),
            initial_stream_window_size: concat!($options, "::initial_stream_window_size"),
            initial_connection_window_size: concat!($options, "::initial_connection_window_size"),
            max_frame_size: concat!($options, "::max_frame_size"),
            max_header_list_size: concat!($options, "::max_header_list_size"),
            request_timeout: concat!($options, "::request_timeout"),
            handshake_timeout: concat!($options, "::handshake_timeout"),
            keepalive_interval: concat!($options, "::keepalive_interval"),
            keepalive_timeout: concat!($options, "::keepalive_timeout"),
            max_connection_age: concat!($options, "::max_connection_age"),
            max_connection_age_grace: concat!($options, "::max_connection_age_grace"),
            max_connection_idle: concat!($options, "::max_connection_idle"),
            write_timeout: concat!($options, "::write_timeout"),
            stream_grace: concat!($options, "::stream_grace"),
            tcp_keepalive: concat!($options, "::tcp_keepalive"),
        };
        $(names.$field = concat!($options, "::", $name);)*
        names
    }};
}
pub(crate) use engine_names;

pub(crate) fn refuse(option: &'static str, value: impl Display, mend: &'static str) -> Check {
    Err(ConfigError::Option { option, value: value.to_string(), mend })
}

pub(crate) fn within(
    option: &'static str,
    value: Option<u32>,
    range: &RangeInclusive<u32>,
    mend: &'static str,
) -> Check {
    match value {
        Some(value) if !range.contains(&value) => refuse(option, value, mend),
        _ => Ok(()),
    }
}

pub(crate) fn lasting(option: &'static str, value: Option<Duration>, nothing: &'static str) -> Check {
    match value {
        Some(Duration::ZERO) => refuse(option, "0s", nothing),
        Some(value) if value > LONGEST => {
            refuse(option, Shown(value), "give at most 365 days, or None for no limit where it may be None")
        }
        _ => Ok(()),
    }
}

/// A duration as `Debug` writes it.
struct Shown(Duration);

impl Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Refuses values that cannot work, alone or together.
pub(crate) fn check(engine: &EngineOptions, names: &EngineNames) -> Check {
    check_counts(engine, names)?;
    check_sizes(engine, names)?;
    check_durations(engine, names)?;
    check_pairs(engine, names)
}

fn check_counts(engine: &EngineOptions, names: &EngineNames) -> Check {
    if let Some(workers) = engine.workers.filter(|workers| *workers > MOST_WORKERS) {
        return refuse(names.workers, workers, "give at most 1024, one a core or fewer");
    }
    for (option, value, mend) in [
        (names.workers, engine.workers, "give at least 1, or leave it out for one a core"),
        (names.max_connections, engine.max_connections, "allow at least 1, or None for no limit"),
        (names.max_concurrent_streams, Some(engine.max_concurrent_streams as usize), "allow at least 1"),
        (names.max_concurrent_calls, engine.max_concurrent_calls, "allow at least 1, or None for no limit"),
        (
            names.max_concurrent_calls_per_connection,
            engine.max_concurrent_calls_per_connection,
            "allow at least 1, or None for no limit",
        ),
        (
            names.max_watches_per_connection,
            Some(engine.max_watches_per_connection),
            "allow at least 1, or switch health_service and reflection_service off",
        ),
    ] {
        if value == Some(0) {
            return refuse(option, 0, mend);
        }
    }
    Ok(())
}

fn check_sizes(engine: &EngineOptions, names: &EngineNames) -> Check {
    let window = "give 65535 to 2147483647 bytes";
    within(names.initial_stream_window_size, engine.initial_stream_window_size, &WINDOWS, window)?;
    within(names.initial_connection_window_size, engine.initial_connection_window_size, &WINDOWS, window)?;
    within(
        names.max_frame_size,
        Some(engine.max_frame_size),
        &FRAMES,
        "give 16384 to 16777215 bytes, which is what HTTP/2 allows",
    )?;
    within(
        names.max_header_list_size,
        Some(engine.max_header_list_size),
        &(LEAST_HEADERS..=u32::MAX),
        "allow at least 512 bytes: the headers that every call has need about that",
    )
}

fn check_durations(engine: &EngineOptions, names: &EngineNames) -> Check {
    let limit = "give it some time, or None for no limit";
    let time = "give it some time";
    lasting(names.request_timeout, engine.request_timeout, limit)?;
    lasting(names.handshake_timeout, Some(engine.handshake_timeout), time)?;
    lasting(names.keepalive_interval, engine.keepalive_interval, "give it some time, or None for no pings")?;
    lasting(names.keepalive_timeout, engine.keepalive_timeout, time)?;
    lasting(names.max_connection_age, engine.max_connection_age, limit)?;
    lasting(names.max_connection_age_grace, engine.max_connection_age_grace, limit)?;
    lasting(names.max_connection_idle, engine.max_connection_idle, limit)?;
    lasting(names.write_timeout, engine.write_timeout, limit)?;
    lasting(names.stream_grace, engine.stream_grace, limit)?;
    match engine.tcp_keepalive {
        Some(silence) if !(Duration::from_secs(1)..=LONGEST_TCP_KEEPALIVE).contains(&silence) => refuse(
            names.tcp_keepalive,
            Shown(silence),
            "give 1 s to 32767 s, which is what systems take, or None for no probes",
        ),
        _ => Ok(()),
    }
}

/// Refuses options that are of no effect, or contradict others.
fn check_pairs(engine: &EngineOptions, names: &EngineNames) -> Check {
    if let (Some(timeout), None) = (engine.keepalive_timeout, engine.keepalive_interval) {
        return refuse(
            names.keepalive_timeout,
            Shown(timeout),
            "leave it out: keepalive_interval is None, so no ping is sent whose answer it could limit",
        );
    }
    if let (Some(grace), None) = (engine.max_connection_age_grace, engine.max_connection_age) {
        return refuse(
            names.max_connection_age_grace,
            Shown(grace),
            "set max_connection_age too: without it no connection comes of age",
        );
    }
    for (option, window) in [
        (names.initial_stream_window_size, engine.initial_stream_window_size),
        (names.initial_connection_window_size, engine.initial_connection_window_size),
    ] {
        if let (Some(bytes), true) = (window, engine.adaptive_window) {
            return refuse(option, bytes, "leave it out, or adaptive_window, which sets the size itself");
        }
    }
    match engine.max_concurrent_calls_per_connection {
        Some(calls) if calls > engine.max_concurrent_streams as usize => refuse(
            names.max_concurrent_calls_per_connection,
            calls,
            "give at most max_concurrent_streams, or raise that: no client can open so many",
        ),
        _ => Ok(()),
    }
}
