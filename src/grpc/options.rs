//! What can be set about the server.

mod check;
mod http;
mod parts;
mod server;

use std::time::Duration;

use crate::http::HttpServerOptions;
use crate::server::options::EngineOptions;

pub(crate) use parts::ServerParts;

const MAX_DECODING_MESSAGE_SIZE: u32 = 4 * 1024 * 1024;

/// Options of the gRPC server. All values are checked when the manager starts, before anything runs: one
/// that cannot work, or contradicts another, is refused as [`ConfigError::Option`](crate::ConfigError).
///
/// A setter replaces what it was given before, unless it says that it adds to it. A limit of `None` does not exist. A duration must be longer than nothing and at most 365 days.
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
#[must_use = "options do nothing until they are given to a manager"]
#[derive(Debug, Clone)]
pub struct GrpcServerOptions {
    /// What the engine itself goes by.
    pub(crate) engine: EngineOptions,
    /// Beside `proto`.
    pub(crate) content_subtypes: Vec<Box<str>>,
    pub(crate) max_decoding_message_size: u32,
    pub(crate) max_encoding_message_size: u32,
    health_service: Option<bool>,
    reflection_service: bool,
    /// What requests that are not of gRPC go by.
    http: HttpServerOptions,
    pub(crate) grpc_web: bool,
    pub(crate) parts: ServerParts,
}

impl Default for GrpcServerOptions {
    fn default() -> Self {
        Self {
            engine: EngineOptions { protocol: "gRPC", ..EngineOptions::default() },
            content_subtypes: Vec::new(),
            max_decoding_message_size: MAX_DECODING_MESSAGE_SIZE,
            max_encoding_message_size: u32::MAX,
            health_service: None,
            reflection_service: false,
            http: HttpServerOptions::default(),
            grpc_web: false,
            parts: ServerParts::default(),
        }
    }
}

/// # What the server answers by itself
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

    /// Whether its sockets speak TLS.
    #[cfg(feature = "testing")]
    pub(crate) fn speaks_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.engine.tls.is_some();
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

/// # How much is served at a time
impl GrpcServerOptions {
    /// The defaults, as each option tells.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many threads serve connections: 1 to 1024. All servers of a manager, HTTP ones too, share one set of workers, which is as large as
    /// the largest number that is asked for; a server uses so many of them. Default: as many as the process may use cores.
    /// Of grpc-go, `NumStreamWorkers` is the nearest.
    pub fn workers(mut self, workers: usize) -> Self {
        self.engine.workers = Some(workers);
        self
    }

    /// Whether a worker may look for this server's messages for up to 100 us before it sleeps, where that was found to have peers that wait for
    /// each answer send more, and a core is to spare: it takes time of that core. An idle server never looks. Default: `true`.
    pub fn busy_polling(mut self, allowed: bool) -> Self {
        self.engine.busy_polling = allowed;
        self
    }

    /// How many connections may be open at once; at least 1. Default: `None`. In grpc-go: `netutil.LimitListener`.
    ///
    /// One more is accepted and closed at once. Left in the system's queue, as Go does it, its client would
    /// believe itself connected and hang until a time limit of its own; closed, its calls fail as UNAVAILABLE
    /// or go to another address at once, and it comes back by its own backoff.
    pub fn max_connections(mut self, connections: impl Into<Option<usize>>) -> Self {
        self.engine.max_connections = connections.into();
        self
    }

    /// How many streams, and so calls, a client may have open on one connection; at least 1. It is told,
    /// and waits with what is more. Default: 1000. In grpc-go: `MaxConcurrentStreams`, there without limit.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.engine.max_concurrent_streams = streams;
        self
    }

    /// How many calls of one connection are handled at once; at least 1, at most
    /// [`max_concurrent_streams`](Self::max_concurrent_streams). What is more waits its turn on the server,
    /// while its deadline runs. A stream is being handled until it ends. Default: `None`. grpc-go has no
    /// such limit.
    pub fn max_concurrent_calls_per_connection(mut self, calls: impl Into<Option<usize>>) -> Self {
        self.engine.max_concurrent_calls_per_connection = calls.into();
        self
    }

    /// How many watches of the built-in health service and streams of reflection, together, may be open on one
    /// connection; at least one. They last as long as their client likes. What is more is answered RESOURCE_EXHAUSTED.
    /// Default: 100. grpc-go has no such limit.
    pub fn max_watches_per_connection(mut self, watches: usize) -> Self {
        self.engine.max_watches_per_connection = watches;
        self
    }

    /// How many calls may be open on the whole server, those that wait included; at least 1. What is more
    /// is answered RESOURCE_EXHAUSTED at once. Default: `None`. In grpc-go: an `InTapHandle` of one's own.
    pub fn max_concurrent_calls(mut self, calls: impl Into<Option<usize>>) -> Self {
        self.engine.max_concurrent_calls = calls.into();
        self
    }
}

/// # How long things may take
impl GrpcServerOptions {
    /// How long a call may take, from its arrival to the last of its answer, streams too. The client's own
    /// `grpc-timeout` counts if it is shorter. A call that takes longer is answered DEADLINE_EXCEEDED and
    /// its handler is dropped. Default: `None`. grpc-go knows the client's deadline only.
    pub fn request_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.engine.request_timeout = timeout.into();
        self
    }

    /// How long a new connection may take to say that it speaks HTTP/2. Default: 10 s. In grpc-go:
    /// `ConnectionTimeout`, there 120 s.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.engine.handshake_timeout = timeout;
        self
    }

    /// How long a client may read nothing at all while bytes wait for it, after which its connection is cut. Meanwhile
    /// nothing is read of it once 64 KiB wait, so that it cannot have answers pile up. HTTP/2's own windows do not count:
    /// a client that grants none reads all the same. `None`: as long as it likes, or
    /// [`keepalive_timeout`](Self::keepalive_timeout) lets it. Default: 30 s. grpc-go has no such limit.
    pub fn write_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.engine.write_timeout = timeout.into();
        self
    }

    /// How long streams may go on once the server drains: calls of methods that stream, whichever side, and of methods that nothing
    /// describes once they have shown that they stream. They are then answered UNAVAILABLE, "the server is going away", which
    /// [`streams_ended`](crate::ServiceReport::streams_ended) counts, and which is no failure. `None`: until the deadline. Default: 5 s.
    /// grpc-go has no such limit.
    pub fn stream_grace(mut self, grace: impl Into<Option<Duration>>) -> Self {
        self.engine.stream_grace = grace.into();
        self
    }

    /// How long nothing is heard from a client until it is sent a ping. `None`: never. Default: 60 s. In
    /// grpc-go: `ServerParameters.Time`, there 2 h.
    pub fn keepalive_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.engine.keepalive_interval = interval.into();
        self
    }

    /// How long the answer to such a ping may take, after which the connection is closed. Default: 20 s. In
    /// grpc-go: `ServerParameters.Timeout`, also 20 s.
    pub fn keepalive_timeout(mut self, timeout: Duration) -> Self {
        self.engine.keepalive_timeout = Some(timeout);
        self
    }

    /// How old a connection becomes, give or take 10 % at random so that clients don't return all at once,
    /// until its client is told to open another (GOAWAY). Calls that are open then finish on it. Lets
    /// balancers see new servers. Default: `None`. In grpc-go: `ServerParameters.MaxConnectionAge`.
    pub fn max_connection_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.engine.max_connection_age = age.into();
        self
    }

    /// How much longer the calls of a connection that has come of that age may go on, after which they are
    /// cut. Default: `None`. In grpc-go: `ServerParameters.MaxConnectionAgeGrace`.
    pub fn max_connection_age_grace(mut self, grace: impl Into<Option<Duration>>) -> Self {
        self.engine.max_connection_age_grace = grace.into();
        self
    }

    /// How long a connection may be without any call until its client is told to leave (GOAWAY). Default:
    /// `None`. In grpc-go: `ServerParameters.MaxConnectionIdle`.
    pub fn max_connection_idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.engine.max_connection_idle = idle.into();
        self
    }
}

/// # How large things may be
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
    pub fn initial_stream_window_size(mut self, bytes: u32) -> Self {
        self.engine.initial_stream_window_size = Some(bytes);
        self
    }

    /// The same for all streams of a connection together. Default: 1 MiB. In grpc-go:
    /// `InitialConnWindowSize`, there 64 KiB.
    pub fn initial_connection_window_size(mut self, bytes: u32) -> Self {
        self.engine.initial_connection_window_size = Some(bytes);
        self
    }

    /// Whether both windows begin at 64 KiB and grow by what the connection is found to carry, for which it
    /// is measured by pings. Not with a size set. Default: no. grpc-go does so where no size is set.
    pub fn adaptive_window(mut self, on: bool) -> Self {
        self.engine.adaptive_window = on;
        self
    }

    /// How many bytes one HTTP/2 frame of a client may have: 16,384 to 16,777,215. Default: 16 KiB, as in
    /// grpc-go, where it is fixed.
    pub fn max_frame_size(mut self, bytes: u32) -> Self {
        self.engine.max_frame_size = bytes;
        self
    }

    /// How many bytes the headers of a call may have, counted as HTTP/2 does: 32 more for each; at least
    /// 512. Default: 16 KiB. In grpc-go: `MaxHeaderListSize`, there 16 MiB.
    pub fn max_header_list_size(mut self, bytes: u32) -> Self {
        self.engine.max_header_list_size = bytes;
        self
    }
}

/// # TCP
impl GrpcServerOptions {
    /// Whether small packets are sent without waiting for more (TCP_NODELAY). Default: yes, as in Go.
    pub fn tcp_nodelay(mut self, on: bool) -> Self {
        self.engine.tcp_nodelay = on;
        self
    }

    /// After how long a silence the system itself probes a connection: 1 s to 32,767 s. It finds machines
    /// that have gone, not processes that hang; HTTP/2's keepalive finds both. Default: `None`. In Go:
    /// `net.ListenConfig.KeepAlive`, there 15 s.
    pub fn tcp_keepalive(mut self, silence: impl Into<Option<Duration>>) -> Self {
        self.engine.tcp_keepalive = silence.into();
        self
    }
}

/// TLS.
#[cfg(feature = "tls")]
impl GrpcServerOptions {
    /// Speaks TLS at the addresses of TCP, and nothing else there; inherited ones too. Unix sockets and
    /// [`InMemory`](crate::clients::InMemory) do without: whoever reaches them is on this machine. Default: none.
    /// In grpc-go: `Creds`.
    ///
    /// The files are read when the manager starts, before anything runs. One that cannot be used is refused as
    /// [`ConfigError::Tls`](crate::ConfigError). A certificate that ends within 30 days is told by a warning, one that has
    /// ended by an error, at set-up and once a day; both are served.
    pub fn tls(mut self, tls: impl Into<Option<crate::server::tls::ServerTls>>) -> Self {
        self.engine.tls = tls.into();
        self
    }
}
