//! What is measured: how long calls and requests take, by the semantic conventions.
//!
//! Source: <https://github.com/open-telemetry/semantic-conventions/tree/v1.45.0/docs/rpc> and `docs/http`.

use std::time::Duration;

use http::{Method, Version};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};

/// In seconds, as the conventions advise for all of them.
const BOUNDARIES: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The schema of the names used here.
pub(crate) const SCHEMA: &str = "https://opentelemetry.io/schemas/1.45.0";

#[derive(Debug)]
pub(crate) struct Instruments {
    rpc_server: Histogram<f64>,
    rpc_client: Histogram<f64>,
    http_server: Histogram<f64>,
    http_client: Histogram<f64>,
}

/// Which side of a call is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

impl Instruments {
    pub(crate) fn new(meter: &Meter) -> Self {
        let histogram = |name: &'static str, what: &'static str| {
            let builder = meter.f64_histogram(name).with_unit("s").with_description(what);
            builder.with_boundaries(BOUNDARIES.to_vec()).build()
        };
        Self {
            rpc_server: histogram("rpc.server.call.duration", "Duration of inbound calls."),
            rpc_client: histogram("rpc.client.call.duration", "Duration of outbound calls."),
            http_server: histogram("http.server.request.duration", "Duration of HTTP server requests."),
            http_client: histogram("http.client.request.duration", "Duration of HTTP client requests."),
        }
    }

    pub(crate) fn call(&self, side: Side, elapsed: Duration, attributes: &[KeyValue]) {
        let histogram = if side == Side::Server { &self.rpc_server } else { &self.rpc_client };
        histogram.record(elapsed.as_secs_f64(), attributes);
    }

    pub(crate) fn request(&self, side: Side, elapsed: Duration, attributes: &[KeyValue]) {
        let histogram = if side == Side::Server { &self.http_server } else { &self.http_client };
        histogram.record(elapsed.as_secs_f64(), attributes);
    }
}

/// A method of HTTP that is known; others are a peer's invention.
pub(crate) fn known(method: &Method) -> Option<&str> {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::CONNECT,
        Method::OPTIONS,
        Method::TRACE,
        Method::PATCH,
    ];
    known.contains(method).then(|| method.as_str())
}

/// What stands for all that is not known.
pub(crate) const OTHER: &str = "_OTHER";

/// `network.protocol.version`.
pub(crate) fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => "1.1",
    }
}
