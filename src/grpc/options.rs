//! What can be set about the server.

mod check;

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use crate::grpc::logging::GrpcLogging;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_CONCURRENT_STREAMS: u32 = 1000;
const MAX_DECODING_MESSAGE_SIZE: u32 = 4 * 1024 * 1024;
const MAX_WATCHES: usize = 100;
const MAX_FRAME_SIZE: u32 = 16 * 1024;
const MAX_HEADER_LIST_SIZE: u32 = 16 * 1024;
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
const WINDOW_SIZE: u32 = 1024 * 1024;

/// Options of the gRPC server. All values are checked when the manager starts, before anything runs: one
/// that cannot work, or contradicts another, is refused as [`ConfigError::Option`](crate::ConfigError).
///
/// A limit of `None` does not exist. A duration must be longer than nothing and at most 365 days.
///
/// ```
/// use std::time::Duration;
/// use majordomo::{GrpcServerOptions, ManagerOptions};
///
/// let server = GrpcServerOptions::new()
///     .max_connection_age(Duration::from_secs(30 * 60))
///     .max_connection_age_grace(Duration::from_secs(60))
///     .request_timeout(Duration::from_secs(20))
///     .max_concurrent_calls(10_000);
/// let options = ManagerOptions::new().grpc_server(server);
/// ```
#[derive(Debug, Clone)]
pub struct GrpcServerOptions {
    workers: Option<usize>,
    pub(crate) max_connections: Option<usize>,
    pub(crate) max_concurrent_streams: u32,
    pub(crate) max_concurrent_calls: Option<usize>,
    pub(crate) max_concurrent_calls_per_connection: Option<usize>,
    pub(crate) max_watches_per_connection: usize,
    /// Beside `proto`.
    pub(crate) content_subtypes: Vec<Box<str>>,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) max_decoding_message_size: u32,
    pub(crate) max_encoding_message_size: u32,
    pub(crate) keepalive_interval: Option<Duration>,
    /// As it was given.
    keepalive_timeout: Option<Duration>,
    pub(crate) max_connection_age: Option<Duration>,
    pub(crate) max_connection_age_grace: Option<Duration>,
    pub(crate) max_connection_idle: Option<Duration>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) write_timeout: Option<Duration>,
    /// As they were given.
    initial_stream_window_size: Option<u32>,
    initial_connection_window_size: Option<u32>,
    pub(crate) adaptive_window: bool,
    pub(crate) max_frame_size: u32,
    pub(crate) max_header_list_size: u32,
    pub(crate) tcp_nodelay: bool,
    pub(crate) tcp_keepalive: Option<Duration>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::server::tls::ServerTls>,
    health_service: Option<bool>,
    reflection_service: bool,
    pub(crate) logging: Option<GrpcLogging>,
    pub(crate) stuck_after: Option<Duration>,
}

impl Default for GrpcServerOptions {
    fn default() -> Self {
        Self {
            workers: None,
            max_connections: None,
            max_concurrent_streams: MAX_CONCURRENT_STREAMS,
            max_concurrent_calls: None,
            max_concurrent_calls_per_connection: None,
            max_watches_per_connection: MAX_WATCHES,
            content_subtypes: Vec::new(),
            request_timeout: None,
            max_decoding_message_size: MAX_DECODING_MESSAGE_SIZE,
            max_encoding_message_size: u32::MAX,
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
            health_service: None,
            reflection_service: false,
            logging: None,
            stuck_after: None,
        }
    }
}

/// What the server answers by itself.
impl GrpcServerOptions {
    /// Whether the server answers [`grpc.health.v1`](crate::grpc::builtin::health). Default: yes. Its calls are neither
    /// shed nor queued nor cut by [`request_timeout`](Self::request_timeout): a server that is full still has
    /// to tell how it is.
    pub fn health_service(self, on: bool) -> Self {
        Self { health_service: Some(on), ..self }
    }

    /// Whether the server answers `grpc.reflection.v1` and `v1alpha` from the descriptor sets that services
    /// add by [`GrpcRegistrar::add_file_descriptor_set`](crate::GrpcRegistrar::add_file_descriptor_set).
    /// Default: no, since it tells whoever asks what there is to be called.
    pub fn reflection_service(self, on: bool) -> Self {
        Self { reflection_service: on, ..self }
    }

    /// What a client may send as `application/grpc+CODEC` beside `proto`, for services whose codec is another, such as `json`. Any
    /// other content type is answered HTTP 415. Default: none. In grpc-go: the codecs that are registered.
    pub fn content_subtypes(self, codecs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let content_subtypes = codecs.into_iter().map(|codec| codec.into().into()).collect();
        Self { content_subtypes, ..self }
    }

    /// How calls are logged, which is an option of the manager's.
    pub(crate) fn logged(self, logging: Option<GrpcLogging>) -> Self {
        Self { logging, ..self }
    }

    /// How long a handler may block its worker until that is told, which is an option of the manager's.
    pub(crate) fn watched(self, stuck_after: Option<Duration>) -> Self {
        Self { stuck_after, ..self }
    }

    /// Whether its sockets speak TLS.
    #[cfg(feature = "testing")]
    pub(crate) fn speaks_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    pub(crate) fn tells_health(&self) -> bool {
        self.health_service.unwrap_or(true)
    }

    pub(crate) fn reflects(&self) -> bool {
        self.reflection_service
    }
}

/// How much is served at a time.
impl GrpcServerOptions {
    /// The defaults, as each option tells.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many threads serve connections; at least 1. Default: as many as the process may use cores.
    /// Of grpc-go, `NumStreamWorkers` is the nearest.
    pub fn workers(self, workers: usize) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// How many connections may be open at once; at least 1. Default: `None`. In grpc-go: `netutil.LimitListener`.
    ///
    /// One more is accepted and closed at once. Left in the system's queue, as Go does it, its client would
    /// believe itself connected and hang until a time limit of its own; closed, its calls fail as UNAVAILABLE
    /// or go to another address at once, and it comes back by its own backoff.
    pub fn max_connections(self, connections: impl Into<Option<usize>>) -> Self {
        Self { max_connections: connections.into(), ..self }
    }

    /// How many streams, and so calls, a client may have open on one connection; at least 1. It is told,
    /// and waits with what is more. Default: 1000. In grpc-go: `MaxConcurrentStreams`, there without limit.
    pub fn max_concurrent_streams(self, streams: u32) -> Self {
        Self { max_concurrent_streams: streams, ..self }
    }

    /// How many calls of one connection are handled at once; at least 1, at most
    /// [`max_concurrent_streams`](Self::max_concurrent_streams). What is more waits its turn on the server,
    /// while its deadline runs. A stream is being handled until it ends. Default: `None`. grpc-go has no
    /// such limit.
    pub fn max_concurrent_calls_per_connection(self, calls: impl Into<Option<usize>>) -> Self {
        Self { max_concurrent_calls_per_connection: calls.into(), ..self }
    }

    /// How many watches of the built-in health service and streams of reflection, together, may be open on one
    /// connection; at least one. They last as long as their client likes. What is more is answered RESOURCE_EXHAUSTED.
    /// Default: 100. grpc-go has no such limit.
    pub fn max_watches_per_connection(self, watches: usize) -> Self {
        Self { max_watches_per_connection: watches, ..self }
    }

    /// How many calls may be open on the whole server, those that wait included; at least 1. What is more
    /// is answered RESOURCE_EXHAUSTED at once. Default: `None`. In grpc-go: an `InTapHandle` of one's own.
    pub fn max_concurrent_calls(self, calls: impl Into<Option<usize>>) -> Self {
        Self { max_concurrent_calls: calls.into(), ..self }
    }
}

/// How long things may take.
impl GrpcServerOptions {
    /// How long a call may take, from its arrival to the last of its answer, streams too. The client's own
    /// `grpc-timeout` counts if it is shorter. A call that takes longer is answered DEADLINE_EXCEEDED and
    /// its handler is dropped. Default: `None`. grpc-go knows the client's deadline only.
    pub fn request_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { request_timeout: timeout.into(), ..self }
    }

    /// How long a new connection may take to say that it speaks HTTP/2. Default: 10 s. In grpc-go:
    /// `ConnectionTimeout`, there 120 s.
    pub fn handshake_timeout(self, timeout: Duration) -> Self {
        Self { handshake_timeout: timeout, ..self }
    }

    /// How long a client may read nothing at all while bytes wait for it, after which its connection is cut. Meanwhile
    /// nothing is read of it once 64 KiB wait, so that it cannot have answers pile up. HTTP/2's own windows do not count:
    /// a client that grants none reads all the same. `None`: as long as it likes, or
    /// [`keepalive_timeout`](Self::keepalive_timeout) lets it. Default: 30 s. grpc-go has no such limit.
    pub fn write_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { write_timeout: timeout.into(), ..self }
    }

    /// How long nothing is heard from a client until it is sent a ping. `None`: never. Default: 60 s. In
    /// grpc-go: `ServerParameters.Time`, there 2 h.
    pub fn keepalive_interval(self, interval: impl Into<Option<Duration>>) -> Self {
        Self { keepalive_interval: interval.into(), ..self }
    }

    /// How long the answer to such a ping may take, after which the connection is closed. Default: 20 s. In
    /// grpc-go: `ServerParameters.Timeout`, also 20 s.
    pub fn keepalive_timeout(self, timeout: Duration) -> Self {
        Self { keepalive_timeout: Some(timeout), ..self }
    }

    /// How old a connection becomes, give or take 10 % at random so that clients don't return all at once,
    /// until its client is told to open another (GOAWAY). Calls that are open then finish on it. Lets
    /// balancers see new servers. Default: `None`. In grpc-go: `ServerParameters.MaxConnectionAge`.
    pub fn max_connection_age(self, age: impl Into<Option<Duration>>) -> Self {
        Self { max_connection_age: age.into(), ..self }
    }

    /// How much longer the calls of a connection that has come of that age may go on, after which they are
    /// cut. Default: `None`. In grpc-go: `ServerParameters.MaxConnectionAgeGrace`.
    pub fn max_connection_age_grace(self, grace: impl Into<Option<Duration>>) -> Self {
        Self { max_connection_age_grace: grace.into(), ..self }
    }

    /// How long a connection may be without any call until its client is told to leave (GOAWAY). Default:
    /// `None`. In grpc-go: `ServerParameters.MaxConnectionIdle`.
    pub fn max_connection_idle(self, idle: impl Into<Option<Duration>>) -> Self {
        Self { max_connection_idle: idle.into(), ..self }
    }
}

/// How large things may be.
impl GrpcServerOptions {
    /// How many bytes a message of a client may have, as it is sent; at least 1. One that has more is
    /// answered RESOURCE_EXHAUSTED as soon as its length is read. Default: 4 MiB. In grpc-go:
    /// `MaxRecvMsgSize`, also 4 MiB.
    ///
    /// Services that tonic generated have a limit of their own, of 4 MiB too, which also covers what
    /// compressed messages unpack to: for more, set both, theirs by `max_decoding_message_size`.
    pub fn max_decoding_message_size(self, bytes: u32) -> Self {
        Self { max_decoding_message_size: bytes, ..self }
    }

    /// How many bytes a message of the server may have, as it is sent; at least 1. In the place of one that
    /// has more, the call is answered RESOURCE_EXHAUSTED. Default: 4 GiB - 1, the most that gRPC can say. In
    /// grpc-go: `MaxSendMsgSize`, there 2 GiB - 1.
    pub fn max_encoding_message_size(self, bytes: u32) -> Self {
        Self { max_encoding_message_size: bytes, ..self }
    }

    /// How many bytes a client may send on one stream ahead of what the handler has read: 65,535 to
    /// 2^31 - 1. Default: 1 MiB. In grpc-go: `InitialWindowSize`, there 64 KiB.
    pub fn initial_stream_window_size(self, bytes: u32) -> Self {
        Self { initial_stream_window_size: Some(bytes), ..self }
    }

    /// The same for all streams of a connection together. Default: 1 MiB. In grpc-go:
    /// `InitialConnWindowSize`, there 64 KiB.
    pub fn initial_connection_window_size(self, bytes: u32) -> Self {
        Self { initial_connection_window_size: Some(bytes), ..self }
    }

    /// Whether both windows begin at 64 KiB and grow by what the connection is found to carry, for which it
    /// is measured by pings. Not with a size set. Default: no. grpc-go does so where no size is set.
    pub fn adaptive_window(self, on: bool) -> Self {
        Self { adaptive_window: on, ..self }
    }

    /// How many bytes one HTTP/2 frame of a client may have: 16,384 to 16,777,215. Default: 16 KiB, as in
    /// grpc-go, where it is fixed.
    pub fn max_frame_size(self, bytes: u32) -> Self {
        Self { max_frame_size: bytes, ..self }
    }

    /// How many bytes the headers of a call may have, counted as HTTP/2 does: 32 more for each; at least
    /// 512. Default: 16 KiB. In grpc-go: `MaxHeaderListSize`, there 16 MiB.
    pub fn max_header_list_size(self, bytes: u32) -> Self {
        Self { max_header_list_size: bytes, ..self }
    }
}

/// TCP.
impl GrpcServerOptions {
    /// Whether small packets are sent without waiting for more (TCP_NODELAY). Default: yes, as in Go.
    pub fn tcp_nodelay(self, on: bool) -> Self {
        Self { tcp_nodelay: on, ..self }
    }

    /// After how long a silence the system itself probes a connection: 1 s to 32,767 s. It finds machines
    /// that have gone, not processes that hang; HTTP/2's keepalive finds both. Default: `None`. In Go:
    /// `net.ListenConfig.KeepAlive`, there 15 s.
    pub fn tcp_keepalive(self, silence: impl Into<Option<Duration>>) -> Self {
        Self { tcp_keepalive: silence.into(), ..self }
    }
}

/// What holds where nothing was given.
impl GrpcServerOptions {
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
