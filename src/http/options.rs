//! What can be set about an HTTP server.

use std::cell::LazyCell;
use std::fmt;
use std::time::Duration;

use http::Request;
use tracing::Span;

use crate::base::{TraceContext, peer_text};
use crate::events::Name;
use crate::http::request_end::{OnRequestEnd, RequestEnd};
use crate::report::ConfigError;
use crate::server::check::{EngineNames, check, engine_names, lasting, refuse};
use crate::server::listen::InMemory;
use crate::server::make_span::MakeSpan;
use crate::server::options::{EngineOptions, Http1Options};

const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_BODY_SIZE: usize = 2 * 1024 * 1024;

const NAMES: EngineNames = engine_names!(
    "HttpServerOptions",
    max_concurrent_calls = "max_concurrent_requests",
    max_header_list_size = "max_header_size"
);

/// Options of an HTTP server. All values are checked when the manager starts, before anything runs: one that cannot work
/// is refused as [`ConfigError::HttpServer`](crate::ConfigError), which names the service and the option.
///
/// A setter replaces what it was given before. A limit of `None` does not exist. A duration must be longer than nothing and at most
/// 365 days.
#[must_use = "options do nothing until they are given to an HTTP service"]
#[derive(Clone)]
pub struct HttpServerOptions {
    pub(crate) engine: EngineOptions,
    pub(crate) max_body_size: Option<usize>,
    pub(crate) body_timeout: Option<Duration>,
    pub(crate) in_memory: Option<InMemory>,
    make_span: Option<MakeSpan>,
    pub(crate) on_request_end: Option<OnRequestEnd>,
}

impl Default for HttpServerOptions {
    fn default() -> Self {
        Self {
            engine: EngineOptions {
                protocol: "HTTP",
                http1: Some(Http1Options { head_timeout: Some(HEAD_TIMEOUT) }),
                ..EngineOptions::default()
            },
            max_body_size: Some(MAX_BODY_SIZE),
            body_timeout: Some(BODY_TIMEOUT),
            in_memory: None,
            make_span: None,
            on_request_end: None,
        }
    }
}

/// # How much is served at a time
impl HttpServerOptions {
    /// The defaults, as each option tells.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many threads serve connections: 1 to 1024. As [`GrpcServerOptions::workers`](crate::GrpcServerOptions::workers): they are
    /// the manager's, which its servers share. Default: as many as the process may use cores.
    pub fn workers(mut self, workers: usize) -> Self {
        self.engine.workers = Some(workers);
        self
    }

    /// Whether workers may look for this server's requests before they sleep. As
    /// [`GrpcServerOptions::busy_polling`](crate::GrpcServerOptions::busy_polling). Default: `true`.
    pub fn busy_polling(mut self, allowed: bool) -> Self {
        self.engine.busy_polling = allowed;
        self
    }

    /// How many connections may be open at once; at least 1. One more is accepted and closed at once. Default: `None`.
    pub fn max_connections(mut self, connections: impl Into<Option<usize>>) -> Self {
        self.engine.max_connections = connections.into();
        self
    }

    /// How many requests may be open on the whole server; at least 1. What is more is answered 503 at once, with `Retry-After`.
    /// Default: `None`.
    pub fn max_concurrent_requests(mut self, requests: impl Into<Option<usize>>) -> Self {
        self.engine.max_concurrent_calls = requests.into();
        self
    }

    /// How many requests one client of HTTP/2 may have open on a connection; at least 1. It is told, and waits with
    /// what is more. Default: 1000.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.engine.max_concurrent_streams = streams;
        self
    }
}

/// # Where it is served
impl HttpServerOptions {
    /// Serves at this place in memory, in place of the address: for tests that need no socket, and in
    /// paused time, which has none. There is no TLS. As
    /// [`GrpcServerOptions::in_memory`](crate::GrpcServerOptions::in_memory), but for one server each.
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use majordomo::clients::InMemory;
    /// use majordomo::http::{Body, HttpServerOptions};
    /// use majordomo::http_service;
    ///
    /// let hello = tower::service_fn(|_: http::Request<Body>| async {
    ///     Ok::<_, Infallible>(http::Response::new(Body::from("hello")))
    /// });
    /// let memory = InMemory::new();
    /// let web = http_service("web", "127.0.0.1:8080", hello).options(HttpServerOptions::new().in_memory(&memory));
    /// ```
    pub fn in_memory(mut self, memory: &InMemory) -> Self {
        self.in_memory = Some(memory.clone());
        self
    }
}

/// # How long things may take
impl HttpServerOptions {
    /// How long a request may take, from its arrival to the last of its answer. One that takes longer is answered 504, or 408
    /// where its body has not all come; where the answer has begun, it is cut. Default: `None`.
    pub fn request_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.engine.request_timeout = timeout.into();
        self
    }

    /// How long a client may take for the head of a request, counted over HTTP/1.1 from the moment when it may send one: so
    /// long, too, a connection may be idle between two. Half a head is answered 408 then; an idle connection is closed. Default: 30 s.
    pub fn head_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.engine.http1 = Some(Http1Options { head_timeout: timeout.into() });
        self
    }

    /// How long nothing may come of a request's body while its handler waits for it. Reading it then fails, and the request is answered
    /// 408 where its handler leaves that to the server. While the server drains that is shorter: [the end](crate::guide::http#the-end).
    /// Default: 30 s.
    pub fn body_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.body_timeout = timeout.into();
        self
    }

    /// How long a new connection may take to say anything, its TLS handshake included. Default: 10 s.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.engine.handshake_timeout = timeout;
        self
    }

    /// How long a client may read nothing at all while bytes wait for it, after which its connection is cut. Default: 30 s.
    pub fn write_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.engine.write_timeout = timeout.into();
        self
    }

    /// How long nothing is heard from a client of HTTP/2 until it is sent a ping. `None`: never. Default: 60 s.
    pub fn keepalive_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.engine.keepalive_interval = interval.into();
        self
    }

    /// How long the answer to such a ping may take, after which the connection is closed. Default: 20 s.
    pub fn keepalive_timeout(mut self, timeout: Duration) -> Self {
        self.engine.keepalive_timeout = Some(timeout);
        self
    }

    /// How old a connection becomes, give or take 10 % at random, until its client is told to open another. What is open then
    /// finishes on it. Default: `None`.
    pub fn max_connection_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.engine.max_connection_age = age.into();
        self
    }

    /// How long a connection may be without any request until it is closed. Default: `None`; over HTTP/1.1
    /// [`head_timeout`](Self::head_timeout) counts in any case.
    pub fn max_connection_idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.engine.max_connection_idle = idle.into();
        self
    }

    /// How long answers that may go on for ever (events, WebSockets) may do so once the server drains; they are then ended in
    /// order, which is no failure. `None`: until the deadline. Default: 5 s.
    pub fn stream_grace(mut self, grace: impl Into<Option<Duration>>) -> Self {
        self.engine.stream_grace = grace.into();
        self
    }
}

/// # How large things may be
impl HttpServerOptions {
    /// How many bytes the body of a request may have; at least 1. A request that says it has more is answered 413 at once;
    /// reading one that turns out to have more fails. Default: 2 MiB.
    pub fn max_body_size(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.max_body_size = bytes.into();
        self
    }

    /// How many bytes the head of a request may have: at least 8192, which is what it takes over HTTP/1.1. What has more is
    /// answered 431. Default: 16 KiB.
    pub fn max_header_size(mut self, bytes: u32) -> Self {
        self.engine.max_header_list_size = bytes;
        self
    }
}

/// # The connection, and the log
impl HttpServerOptions {
    /// Whether small packets are sent without waiting for more (TCP_NODELAY). Default: yes.
    pub fn tcp_nodelay(mut self, on: bool) -> Self {
        self.engine.tcp_nodelay = on;
        self
    }

    /// Speaks TLS at the addresses of TCP, and nothing else there: HTTP/2 where the client offers it (ALPN `h2`), else HTTP/1.1.
    /// As [`GrpcServerOptions::tls`](crate::GrpcServerOptions::tls). Default: none.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: impl Into<Option<crate::server::tls::ServerTls>>) -> Self {
        self.engine.tls = tls.into();
        self
    }

    /// Makes the span of each request, in which its handler runs, of the request's head. Default: a span `request` at level debug
    /// with the fields `service`, `method` and `path`, and `trace_id` and `parent_id` where the request has a valid `traceparent`. Nothing of
    /// ours is around it: it may be given a parent, such as a trace's.
    pub fn make_span(mut self, make: impl Fn(&Request<()>) -> Span + Send + Sync + 'static) -> Self {
        self.make_span = Some(MakeSpan::new(make));
        self
    }

    /// Is told of the end of each request, by the thread that serves it: answered, refused, cut, or left by its client. It must not block. A
    /// panic of it is caught, and told to nobody. Default: nobody is told.
    pub fn on_request_end(mut self, observe: impl Fn(&RequestEnd<'_>) + Send + Sync + 'static) -> Self {
        self.on_request_end = Some(OnRequestEnd::new(observe));
        self
    }
}

/// What the server itself asks.
impl HttpServerOptions {
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        check(&self.engine, &NAMES)?;
        #[cfg(feature = "tls")]
        self.engine.tls.as_ref().map_or(Ok(()), |tls| tls.check())?;
        if self.engine.max_header_list_size < 8192 {
            let bytes = self.engine.max_header_list_size;
            return refuse("HttpServerOptions::max_header_size", bytes, "allow at least 8192 bytes");
        }
        self.check_requests([
            "HttpServerOptions::max_body_size",
            "HttpServerOptions::head_timeout",
            "HttpServerOptions::body_timeout",
        ])
    }

    /// Refuses what cannot work of a request's body and head, under these names.
    pub(crate) fn check_requests(&self, [size, head, body]: [&'static str; 3]) -> Result<(), ConfigError> {
        if self.max_body_size == Some(0) {
            return refuse(size, 0, "allow at least 1 byte, or None for no limit");
        }
        let some = "allow some time, or None for no limit";
        lasting(head, self.engine.http1.and_then(|http1| http1.head_timeout), some)?;
        lasting(body, self.body_timeout, some)
    }

    /// The same with spans that are made so, or as by default, and ends that are told so.
    pub(crate) fn observed_by(
        self,
        make_span: Option<MakeSpan>,
        on_request_end: Option<OnRequestEnd>,
    ) -> Self {
        Self { make_span, on_request_end, ..self }
    }

    /// The span of a request, and the request as it was.
    pub(crate) fn span<B>(&self, service: &Name, request: Request<B>) -> (Request<B>, Span) {
        let Some(make) = &self.make_span else {
            // Fields are made where somebody wants the span.
            let trace = LazyCell::new(|| TraceContext::of(request.headers()));
            let span = tracing::debug_span!(
                target: "majordomo::http",
                parent: None,
                "request",
                %service,
                method = %request.method(),
                path = %peer_text::shown(request.uri().path()),
                trace_id = trace.map(|trace| trace.trace_id),
                parent_id = trace.map(|trace| trace.parent_id)
            );
            return (request, span);
        };
        make.of(request)
    }
}

impl fmt::Debug for HttpServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServerOptions")
            .field("engine", &self.engine)
            .field("max_body_size", &self.max_body_size)
            .field("body_timeout", &self.body_timeout)
            .field("in_memory", &self.in_memory)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(options: &HttpServerOptions, what: &str) {
        let error = options.validate().unwrap_err().to_string();
        assert!(error.starts_with(&format!("HttpServerOptions::{what}")), "{error}");
    }

    #[test]
    fn g01_what_cannot_work_is_refused_by_name() {
        let new = HttpServerOptions::new;
        new().validate().unwrap();
        refused(&new().workers(0), "workers is 0");
        refused(&new().max_connections(0), "max_connections is 0");
        refused(&new().max_concurrent_requests(0), "max_concurrent_requests is 0");
        refused(&new().max_body_size(0), "max_body_size is 0");
        refused(&new().max_header_size(100), "max_header_size is 100");
        refused(&new().head_timeout(Duration::ZERO), "head_timeout is 0s");
        refused(&new().stream_grace(Duration::ZERO), "stream_grace is 0s");
        let none = new().head_timeout(None).body_timeout(None).max_body_size(None).stream_grace(None);
        none.validate().unwrap();
    }
}
