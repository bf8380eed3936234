//! What the engine goes by. An application has options of its own, which hold these.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_CONCURRENT_STREAMS: u32 = 1000;
const MAX_WATCHES: usize = 100;
const MAX_FRAME_SIZE: u32 = 16 * 1024;
const MAX_HEADER_LIST_SIZE: u32 = 16 * 1024;
const STREAM_GRACE: Duration = Duration::from_secs(5);
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
const WINDOW_SIZE: u32 = 1024 * 1024;

/// The options of one server's engine. A limit of `None` does not exist. Values are checked by the application.
#[derive(Debug, Clone)]
pub(crate) struct EngineOptions {
    /// What the server speaks, as its log messages say it.
    pub(crate) protocol: &'static str,
    /// How many workers it uses.
    pub(crate) workers: Option<usize>,
    /// Whether workers may look for its messages before they sleep.
    pub(crate) busy_polling: bool,
    pub(crate) max_connections: Option<usize>,
    pub(crate) max_concurrent_streams: u32,
    pub(crate) max_concurrent_calls: Option<usize>,
    pub(crate) max_concurrent_calls_per_connection: Option<usize>,
    pub(crate) max_watches_per_connection: usize,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) keepalive_interval: Option<Duration>,
    /// As it was given.
    pub(crate) keepalive_timeout: Option<Duration>,
    pub(crate) max_connection_age: Option<Duration>,
    pub(crate) max_connection_age_grace: Option<Duration>,
    pub(crate) max_connection_idle: Option<Duration>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) write_timeout: Option<Duration>,
    /// As they were given.
    pub(crate) initial_stream_window_size: Option<u32>,
    pub(crate) initial_connection_window_size: Option<u32>,
    pub(crate) adaptive_window: bool,
    pub(crate) max_frame_size: u32,
    pub(crate) max_header_list_size: u32,
    pub(crate) tcp_nodelay: bool,
    pub(crate) tcp_keepalive: Option<Duration>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::server::tls::ServerTls>,
    /// `None`: HTTP/2 alone.
    pub(crate) http1: Option<Http1Options>,
    /// How long answers that may go on for ever may do so in a drain.
    pub(crate) stream_grace: Option<Duration>,
}

/// What HTTP/1.1 goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Http1Options {
    /// How long a peer may take for the head of a request, once it may send one.
    pub(crate) head_timeout: Option<Duration>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            protocol: "",
            workers: None,
            busy_polling: true,
            max_connections: None,
            max_concurrent_streams: MAX_CONCURRENT_STREAMS,
            max_concurrent_calls: None,
            max_concurrent_calls_per_connection: None,
            max_watches_per_connection: MAX_WATCHES,
            request_timeout: None,
            keepalive_interval: Some(KEEPALIVE_INTERVAL),
            keepalive_timeout: None,
            max_connection_age: None,
            max_connection_age_grace: None,
            max_connection_idle: None,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            write_timeout: Some(WRITE_TIMEOUT),
            initial_stream_window_size: None,
            initial_connection_window_size: None,
            adaptive_window: false,
            max_frame_size: MAX_FRAME_SIZE,
            max_header_list_size: MAX_HEADER_LIST_SIZE,
            tcp_nodelay: true,
            tcp_keepalive: None,
            #[cfg(feature = "tls")]
            tls: None,
            http1: None,
            stream_grace: Some(STREAM_GRACE),
        }
    }
}

/// What holds where nothing was given.
impl EngineOptions {
    pub(crate) fn worker_count(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.workers.unwrap_or_else(cores)
    }

    pub(crate) fn effective_keepalive_timeout(&self) -> Duration {
        self.keepalive_timeout.unwrap_or(KEEPALIVE_TIMEOUT)
    }

    pub(crate) fn stream_window_size(&self) -> u32 {
        self.initial_stream_window_size.unwrap_or(WINDOW_SIZE)
    }

    pub(crate) fn connection_window_size(&self) -> u32 {
        self.initial_connection_window_size.unwrap_or(WINDOW_SIZE)
    }
}
