//! What a test says about the server: JSON, as the one argument.

use std::time::Duration;

use majordomo::http::HttpServerOptions;
use majordomo::{GrpcServerOptions, Handover, ManagerOptions};
use serde::Deserialize;

use crate::tls::{self, Tls};

/// The options. All may be left out; durations are milliseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    /// Left out: a free port on loopback.
    address: Option<String>,
    workers: Option<usize>,
    max_shutdown_ms: Option<u64>,
    drain_delay_ms: Option<u64>,
    request_timeout_ms: Option<u64>,
    handshake_timeout_ms: Option<u64>,
    write_timeout_ms: Option<u64>,
    keepalive_interval_ms: Option<u64>,
    keepalive_timeout_ms: Option<u64>,
    max_connection_age_ms: Option<u64>,
    max_concurrent_calls: Option<usize>,
    tls: Option<Tls>,
    grpc_web: bool,
    /// SIGUSR2 has a successor take over.
    handover: bool,
    /// How long the service takes to set itself up.
    pub(crate) setup_ms: Option<u64>,
    /// Left out: no HTTP service.
    pub(crate) http: Option<Http>,
}

/// The options of the HTTP service, in the same way.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    address: Option<String>,
    workers: Option<usize>,
    max_connections: Option<usize>,
    max_body_size: Option<usize>,
    head_timeout_ms: Option<u64>,
    body_timeout_ms: Option<u64>,
    request_timeout_ms: Option<u64>,
    write_timeout_ms: Option<u64>,
    stream_grace_ms: Option<u64>,
    tls: Option<Tls>,
}

impl Http {
    pub(crate) fn address(&self) -> &str {
        self.address.as_deref().unwrap_or("127.0.0.1:0")
    }

    pub(crate) fn options(&self) -> HttpServerOptions {
        let mut server = HttpServerOptions::new()
            .request_timeout(ms(self.request_timeout_ms))
            .max_connections(self.max_connections);
        if let Some(workers) = self.workers {
            server = server.workers(workers);
        }
        if let Some(bytes) = self.max_body_size {
            server = server.max_body_size(bytes);
        }
        if let Some(timeout) = ms(self.head_timeout_ms) {
            server = server.head_timeout(timeout);
        }
        if let Some(timeout) = ms(self.body_timeout_ms) {
            server = server.body_timeout(timeout);
        }
        if let Some(timeout) = ms(self.write_timeout_ms) {
            server = server.write_timeout(timeout);
        }
        if let Some(grace) = ms(self.stream_grace_ms) {
            server = server.stream_grace(grace);
        }
        if let Some(tls) = &self.tls {
            server = server.tls(tls::identity(tls));
        }
        server
    }
}

fn ms(value: Option<u64>) -> Option<Duration> {
    value.map(Duration::from_millis)
}

impl Options {
    /// From the command line.
    pub(crate) fn read() -> Result<Self, String> {
        let args: Vec<String> = std::env::args().skip(1).collect();
        match &args[..] {
            [] => Ok(Self::default()),
            [json] => serde_json::from_str(json).map_err(|error| format!("the options are none: {error}")),
            _ => Err("usage: majordomo-outsiders [OPTIONS AS JSON]".to_owned()),
        }
    }

    pub(crate) fn manager(&self) -> ManagerOptions {
        let mut server = GrpcServerOptions::new()
            .reflection_service(true)
            .grpc_web(self.grpc_web)
            .request_timeout(ms(self.request_timeout_ms))
            .max_connection_age(ms(self.max_connection_age_ms))
            .max_concurrent_calls(self.max_concurrent_calls);
        if let Some(workers) = self.workers {
            server = server.workers(workers);
        }
        if let Some(timeout) = ms(self.handshake_timeout_ms) {
            server = server.handshake_timeout(timeout);
        }
        if let Some(timeout) = ms(self.write_timeout_ms) {
            server = server.write_timeout(timeout);
        }
        if let Some(interval) = ms(self.keepalive_interval_ms) {
            server = server.keepalive_interval(interval);
        }
        if let Some(timeout) = ms(self.keepalive_timeout_ms) {
            server = server.keepalive_timeout(timeout);
        }
        if let Some(tls) = &self.tls {
            server = server.tls(tls::identity(tls));
        }
        let mut options = ManagerOptions::new()
            .grpc_server_address(self.address.as_deref().unwrap_or("127.0.0.1:0"))
            .drain_delay(ms(self.drain_delay_ms).unwrap_or_default())
            .grpc_server(server);
        if let Some(limit) = ms(self.max_shutdown_ms) {
            options = options.max_shutdown_duration(limit);
        }
        if self.handover {
            options = options.handover(Handover::new());
        }
        options
    }
}
