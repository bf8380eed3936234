//! How a server of actix-web serves.

use std::time::Duration;

use actix_web::http::KeepAlive;
use majordomo::ConfigError;

/// What actix-server takes.
const MOST_WORKERS: usize = 512;

/// How long streams may go on once the server drains.
const STREAM_GRACE: Duration = Duration::from_secs(5);

/// How a server of actix-web serves. What is not given is as actix-web has it.
///
/// Addresses, signals and the time of the shutdown are Majordomo's: there are no options for these here.
#[derive(Debug, Clone)]
#[must_use = "options do nothing until they are given to actix_web_service_with"]
pub struct ActixWebOptions {
    pub(crate) workers: Option<usize>,
    pub(crate) max_connections: Option<usize>,
    pub(crate) worker_max_blocking_threads: Option<usize>,
    pub(crate) keep_alive: Option<KeepAlive>,
    pub(crate) client_request_timeout: Option<Duration>,
    pub(crate) client_disconnect_timeout: Option<Duration>,
    pub(crate) h1_allow_half_closed: Option<bool>,
    pub(crate) tcp_nodelay: Option<bool>,
    pub(crate) server_hostname: Option<String>,
    pub(crate) stream_grace: Option<Duration>,
    #[cfg(feature = "rustls")]
    pub(crate) rustls: Option<rustls::ServerConfig>,
}

impl Default for ActixWebOptions {
    fn default() -> Self {
        Self {
            workers: None,
            max_connections: None,
            worker_max_blocking_threads: None,
            keep_alive: None,
            client_request_timeout: None,
            client_disconnect_timeout: None,
            h1_allow_half_closed: None,
            tcp_nodelay: None,
            server_hostname: None,
            stream_grace: Some(STREAM_GRACE),
            #[cfg(feature = "rustls")]
            rustls: None,
        }
    }
}

impl ActixWebOptions {
    /// What actix-web has by default.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many threads serve, 1 to 512. Each calls the factory. Default: one a core.
    pub fn workers(self, workers: usize) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// How many connections each worker has at once; more wait to be accepted. Default: 25,600.
    pub fn max_connections(self, connections: usize) -> Self {
        Self { max_connections: Some(connections), ..self }
    }

    /// How many threads each worker has for `web::block`. Default: 512 divided by the number of cores.
    pub fn worker_max_blocking_threads(self, threads: usize) -> Self {
        Self { worker_max_blocking_threads: Some(threads), ..self }
    }

    /// How long a connection without a request is kept: a `Duration`, or a [`KeepAlive`]. Default: 5 s.
    pub fn keep_alive(self, keep_alive: impl Into<KeepAlive>) -> Self {
        Self { keep_alive: Some(keep_alive.into()), ..self }
    }

    /// How long the head of a request may take, from the first byte on; zero for no limit. It is answered 408. Default: 5 s.
    pub fn client_request_timeout(self, timeout: Duration) -> Self {
        Self { client_request_timeout: Some(timeout), ..self }
    }

    /// How long the closing of a connection may take; zero for no limit. Default: 1 s.
    pub fn client_disconnect_timeout(self, timeout: Duration) -> Self {
        Self { client_disconnect_timeout: Some(timeout), ..self }
    }

    /// Whether a client of HTTP/1.1 that has said that it sends nothing more is still answered. Where it is not, the handler of a client
    /// that has gone is dropped. Default: it is.
    pub fn h1_allow_half_closed(self, allow: bool) -> Self {
        Self { h1_allow_half_closed: Some(allow), ..self }
    }

    /// Whether small answers are sent at once (`TCP_NODELAY`). Default: as the system has it.
    pub fn tcp_nodelay(self, nodelay: bool) -> Self {
        Self { tcp_nodelay: Some(nodelay), ..self }
    }

    /// The host that URLs of the application have where a request names none. Default: the address.
    pub fn server_hostname(self, host: impl Into<String>) -> Self {
        Self { server_hostname: Some(host.into()), ..self }
    }

    /// How long endless answers may go on once the server drains: events (`text/event-stream`), `multipart/x-mixed-replace`, lines
    /// of JSON (`application/x-ndjson`, `application/json-seq`), and connections that were upgraded, such as WebSockets. Then their
    /// body ends. `None` lets them go on until the deadline. Default: 5 s.
    pub fn stream_grace(self, grace: impl Into<Option<Duration>>) -> Self {
        Self { stream_grace: grace.into(), ..self }
    }

    /// TLS at addresses of TCP. HTTP/2 is offered where actix-web has its feature `http2`.
    #[cfg(feature = "rustls")]
    pub fn rustls(self, config: rustls::ServerConfig) -> Self {
        Self { rustls: Some(config), ..self }
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |option, value: &dyn ToString, mend| {
            Err(ConfigError::Option { option, value: value.to_string(), mend })
        };
        if let Some(workers) = self.workers.filter(|workers| !(1..=MOST_WORKERS).contains(workers)) {
            let mend = "give 1 to 512, or leave it out for one a core";
            return refuse("ActixWebOptions::workers", &workers, mend);
        }
        if self.max_connections == Some(0) {
            return refuse("ActixWebOptions::max_connections", &0, "allow at least 1");
        }
        if self.worker_max_blocking_threads == Some(0) {
            let mend = "give at least 1: web::block needs one";
            return refuse("ActixWebOptions::worker_max_blocking_threads", &0, mend);
        }
        if self.stream_grace == Some(Duration::ZERO) {
            let mend = "give it some time, or None for as much as there is";
            return refuse("ActixWebOptions::stream_grace", &"0s", mend);
        }
        Ok(())
    }
}
