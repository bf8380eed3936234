//! Which options are refused, and why.

use crate::grpc::options::GrpcServerOptions;
use crate::report::ConfigError;
use crate::server::check::{self, EngineNames, engine_names, refuse, within};

const NAMES: EngineNames = engine_names!("GrpcServerOptions");

impl GrpcServerOptions {
    /// Refuses values that cannot work, alone or together.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        check::check(&self.engine, &NAMES)?;
        self.check_codecs()?;
        let message = "allow at least 1 byte";
        for (option, bytes) in [
            ("GrpcServerOptions::max_decoding_message_size", self.max_decoding_message_size),
            ("GrpcServerOptions::max_encoding_message_size", self.max_encoding_message_size),
        ] {
            within(option, Some(bytes), &(1..=u32::MAX), message)?;
        }
        self.http.check_requests([
            "GrpcServerOptions::max_body_size",
            "GrpcServerOptions::head_timeout",
            "GrpcServerOptions::body_timeout",
        ])?;
        #[cfg(feature = "tls")]
        self.engine.tls.as_ref().map_or(Ok(()), |tls| tls.check())?;
        Ok(())
    }

    fn check_codecs(&self) -> Result<(), ConfigError> {
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
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::check::{LONGEST, LONGEST_TCP_KEEPALIVE};

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
