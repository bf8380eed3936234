//! Which options are refused, and why.

use std::fmt::{Debug, Display};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::grpc::options::GrpcServerOptions;
use crate::report::ConfigError;

/// No longer, so that a moment that lies that far ahead can always be told.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const LONGEST_TCP_KEEPALIVE: Duration = Duration::from_secs(32_767);
/// HTTP/2's own default, below which a connection's window cannot begin.
const WINDOWS: RangeInclusive<u32> = 65_535..=(1 << 31) - 1;
const FRAMES: RangeInclusive<u32> = 16_384..=16_777_215;
const LEAST_HEADERS: u32 = 512;
/// Each is a thread.
const MOST_WORKERS: usize = 1024;

type Check = Result<(), ConfigError>;

fn refuse(option: &'static str, value: impl Display, mend: &'static str) -> Check {
    Err(ConfigError::Option { option, value: value.to_string(), mend })
}

fn within(
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

fn lasting(option: &'static str, value: Option<Duration>, nothing: &'static str) -> Check {
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

impl GrpcServerOptions {
    /// Refuses values that cannot work, alone or together.
    pub(crate) fn validate(&self) -> Check {
        self.check_counts()?;
        self.check_sizes()?;
        self.check_durations()?;
        self.check_pairs()?;
        #[cfg(feature = "tls")]
        self.engine.tls.as_ref().map_or(Ok(()), |tls| tls.check())?;
        Ok(())
    }

    fn check_counts(&self) -> Check {
        if let Some(workers) = self.engine.workers.filter(|workers| *workers > MOST_WORKERS) {
            return refuse("GrpcServerOptions::workers", workers, "give at most 1024, one a core or fewer");
        }
        for (option, value, mend) in [
            (
                "GrpcServerOptions::workers",
                self.engine.workers,
                "give at least 1, or leave it out for one a core",
            ),
            (
                "GrpcServerOptions::max_connections",
                self.engine.max_connections,
                "allow at least 1, or None for no limit",
            ),
            (
                "GrpcServerOptions::max_concurrent_streams",
                Some(self.engine.max_concurrent_streams as usize),
                "allow at least 1",
            ),
            (
                "GrpcServerOptions::max_concurrent_calls",
                self.engine.max_concurrent_calls,
                "allow at least 1, or None for no limit",
            ),
            (
                "GrpcServerOptions::max_concurrent_calls_per_connection",
                self.engine.max_concurrent_calls_per_connection,
                "allow at least 1, or None for no limit",
            ),
            (
                "GrpcServerOptions::max_watches_per_connection",
                Some(self.engine.max_watches_per_connection),
                "allow at least 1, or switch health_service and reflection_service off",
            ),
        ] {
            if value == Some(0) {
                return refuse(option, 0, mend);
            }
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte);
        let mut codecs = self.content_subtypes.iter().map(|codec| &**codec);
        match codecs.find(|codec| codec.is_empty() || !codec.bytes().all(is_token)) {
            Some(codec) => refuse(
                "GrpcServerOptions::content_subtypes",
                format_args!("{codec:?}"),
                "give what follows application/grpc+, such as json",
            ),
            None => Ok(()),
        }
    }

    fn check_sizes(&self) -> Check {
        let message = "allow at least 1 byte";
        let window = "give 65535 to 2147483647 bytes";
        within(
            "GrpcServerOptions::max_decoding_message_size",
            Some(self.max_decoding_message_size),
            &(1..=u32::MAX),
            message,
        )?;
        within(
            "GrpcServerOptions::max_encoding_message_size",
            Some(self.max_encoding_message_size),
            &(1..=u32::MAX),
            message,
        )?;
        within(
            "GrpcServerOptions::initial_stream_window_size",
            self.engine.initial_stream_window_size,
            &WINDOWS,
            window,
        )?;
        within(
            "GrpcServerOptions::initial_connection_window_size",
            self.engine.initial_connection_window_size,
            &WINDOWS,
            window,
        )?;
        within(
            "GrpcServerOptions::max_frame_size",
            Some(self.engine.max_frame_size),
            &FRAMES,
            "give 16384 to 16777215 bytes, which is what HTTP/2 allows",
        )?;
        within(
            "GrpcServerOptions::max_header_list_size",
            Some(self.engine.max_header_list_size),
            &(LEAST_HEADERS..=u32::MAX),
            "allow at least 512 bytes: the headers that every call has need about that",
        )
    }

    fn check_durations(&self) -> Check {
        let limit = "give it some time, or None for no limit";
        let time = "give it some time";
        lasting("GrpcServerOptions::request_timeout", self.engine.request_timeout, limit)?;
        lasting("GrpcServerOptions::handshake_timeout", Some(self.engine.handshake_timeout), time)?;
        lasting(
            "GrpcServerOptions::keepalive_interval",
            self.engine.keepalive_interval,
            "give it some time, or None for no pings",
        )?;
        lasting("GrpcServerOptions::keepalive_timeout", self.engine.keepalive_timeout, time)?;
        lasting("GrpcServerOptions::max_connection_age", self.engine.max_connection_age, limit)?;
        lasting("GrpcServerOptions::max_connection_age_grace", self.engine.max_connection_age_grace, limit)?;
        lasting("GrpcServerOptions::max_connection_idle", self.engine.max_connection_idle, limit)?;
        lasting("GrpcServerOptions::write_timeout", self.engine.write_timeout, limit)?;
        match self.engine.tcp_keepalive {
            Some(silence) if !(Duration::from_secs(1)..=LONGEST_TCP_KEEPALIVE).contains(&silence) => refuse(
                "GrpcServerOptions::tcp_keepalive",
                Shown(silence),
                "give 1 s to 32767 s, which is what systems take, or None for no probes",
            ),
            _ => Ok(()),
        }
    }

    /// Refuses options that are of no effect, or contradict others.
    fn check_pairs(&self) -> Check {
        if let (Some(timeout), None) = (self.engine.keepalive_timeout, self.engine.keepalive_interval) {
            return refuse(
                "GrpcServerOptions::keepalive_timeout",
                Shown(timeout),
                "leave it out: keepalive_interval is None, so no ping is sent whose answer it could limit",
            );
        }
        if let (Some(grace), None) = (self.engine.max_connection_age_grace, self.engine.max_connection_age) {
            return refuse(
                "GrpcServerOptions::max_connection_age_grace",
                Shown(grace),
                "set max_connection_age too: without it no connection comes of age",
            );
        }
        for (option, window) in [
            ("GrpcServerOptions::initial_stream_window_size", self.engine.initial_stream_window_size),
            ("GrpcServerOptions::initial_connection_window_size", self.engine.initial_connection_window_size),
        ] {
            if let (Some(bytes), true) = (window, self.engine.adaptive_window) {
                return refuse(option, bytes, "leave it out, or adaptive_window, which sets the size itself");
            }
        }
        match self.engine.max_concurrent_calls_per_connection {
            Some(calls) if calls > self.engine.max_concurrent_streams as usize => refuse(
                "GrpcServerOptions::max_concurrent_calls_per_connection",
                calls,
                "give at most max_concurrent_streams, or raise that: no client can open so many",
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> GrpcServerOptions {
        GrpcServerOptions::new()
    }

    #[track_caller]
    fn refused(options: GrpcServerOptions, what: &str, mend: &str) {
        let error = options.validate().unwrap_err().to_string();
        assert!(error.starts_with(&format!("GrpcServerOptions::{what}: ")), "{error}");
        assert!(error.contains(mend), "{error}");
    }

    #[test]
    fn g01_counts_of_nothing_are_refused_by_name() {
        refused(new().workers(0), "workers is 0", "at least 1");
        refused(new().workers(usize::MAX), "workers is 18446744073709551615", "at most 1024");
        refused(new().max_connections(0), "max_connections is 0", "at least 1");
        refused(new().max_concurrent_streams(0), "max_concurrent_streams is 0", "at least 1");
        refused(new().max_concurrent_calls(0), "max_concurrent_calls is 0", "at least 1");
        refused(
            new().max_concurrent_calls_per_connection(0),
            "max_concurrent_calls_per_connection is 0",
            "at least 1",
        );
    }

    #[test]
    fn g01_sizes_that_cannot_be_are_refused_by_name() {
        refused(new().max_decoding_message_size(0), "max_decoding_message_size is 0", "at least 1");
        refused(new().max_encoding_message_size(0), "max_encoding_message_size is 0", "at least 1");
        for bytes in [0, 65_534, 1 << 31] {
            let (stream, connection) =
                (new().initial_stream_window_size(bytes), new().initial_connection_window_size(bytes));
            refused(stream, &format!("initial_stream_window_size is {bytes}"), "65535 to 2147483647");
            refused(connection, &format!("initial_connection_window_size is {bytes}"), "65535 to 2147483647");
        }
        for bytes in [0, 16_383, 1 << 24] {
            refused(new().max_frame_size(bytes), &format!("max_frame_size is {bytes}"), "16384 to 16777215");
        }
        refused(new().max_header_list_size(511), "max_header_list_size is 511", "at least 512");
    }

    #[test]
    fn g01_durations_of_nothing_or_of_ages_are_refused_by_name() {
        type Set = fn(Duration) -> GrpcServerOptions;
        let all: [(&str, Set); 8] = [
            ("request_timeout", |time| new().request_timeout(time)),
            ("handshake_timeout", |time| new().handshake_timeout(time)),
            ("keepalive_interval", |time| new().keepalive_interval(time)),
            ("keepalive_timeout", |time| new().keepalive_timeout(time)),
            ("max_connection_age", |time| new().max_connection_age(time)),
            ("max_connection_age_grace", |time| {
                new().max_connection_age(LONGEST).max_connection_age_grace(time)
            }),
            ("max_connection_idle", |time| new().max_connection_idle(time)),
            ("write_timeout", |time| new().write_timeout(time)),
        ];
        for (option, set) in all {
            refused(set(Duration::ZERO), &format!("{option} is 0s"), "some time");
            refused(set(LONGEST + Duration::from_secs(1)), &format!("{option} is 31536001s"), "365 days");
            set(Duration::from_nanos(1)).validate().unwrap();
            set(LONGEST).validate().unwrap();
        }
        for silence in [Duration::ZERO, Duration::from_millis(999), Duration::from_secs(32_768)] {
            let what = format!("tcp_keepalive is {silence:?}");
            refused(new().tcp_keepalive(silence), &what, "1 s to 32767 s");
        }
    }

    #[test]
    fn g01_options_that_contradict_each_other_are_refused_by_name() {
        let second = Duration::from_secs(1);
        refused(
            new().keepalive_interval(None).keepalive_timeout(second),
            "keepalive_timeout is 1s",
            "keepalive_interval is None",
        );
        refused(
            new().max_connection_age_grace(second),
            "max_connection_age_grace is 1s",
            "max_connection_age too",
        );
        let adaptive = new().adaptive_window(true);
        refused(
            adaptive.clone().initial_stream_window_size(1 << 20),
            "initial_stream_window_size is 1048576",
            "adaptive_window",
        );
        refused(
            adaptive.initial_connection_window_size(1 << 20),
            "initial_connection_window_size is 1048576",
            "adaptive_window",
        );
        refused(
            new().max_concurrent_streams(10).max_concurrent_calls_per_connection(11),
            "max_concurrent_calls_per_connection is 11",
            "max_concurrent_streams",
        );
    }

    #[test]
    fn what_can_work_is_not_refused() {
        new().validate().unwrap();
        let none = new().max_connections(None).request_timeout(None).keepalive_interval(None);
        none.max_connection_age(None)
            .max_connection_idle(None)
            .write_timeout(None)
            .tcp_keepalive(None)
            .validate()
            .unwrap();
        let all = new().workers(1).max_connections(1).max_concurrent_streams(1).max_concurrent_calls(1);
        let all = all.max_concurrent_calls_per_connection(1).max_decoding_message_size(u32::MAX);
        let all = all.initial_stream_window_size(65_535).initial_connection_window_size((1 << 31) - 1);
        let all = all.max_frame_size(16_777_215).max_header_list_size(512);
        all.tcp_keepalive(LONGEST_TCP_KEEPALIVE).tcp_nodelay(false).validate().unwrap();
    }
}
