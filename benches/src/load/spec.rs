//! What the load is told, and what it tells.

use std::io;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::http::Route;

/// What is asked: a method of `majordomo.bench.Bench`, or a route by GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Method {
    /// Answers what it is sent.
    Echo,
    /// The same, after so many microseconds of computing.
    Burn(u32),
    /// Answers each message of a stream that stays open.
    EchoStream,
    /// Over HTTP/1.1.
    Http1(Route),
    /// Over HTTP/2.
    Http2(Route),
}

impl Method {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Echo => "/majordomo.bench.Bench/Echo",
            Self::Burn(_) => "/majordomo.bench.Bench/Burn",
            Self::EchoStream => "/majordomo.bench.Bench/EchoStream",
            Self::Http1(route) | Self::Http2(route) => route.path(),
        }
    }

    /// The body of a route's answer.
    pub(super) fn answer(self) -> Vec<u8> {
        match self {
            Self::Http1(route) | Self::Http2(route) => route.body(),
            Self::Echo | Self::Burn(_) | Self::EchoStream => Vec::new(),
        }
    }
}

/// One run against one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LoadSpec {
    /// The server.
    pub(crate) address: SocketAddr,
    /// The server's process, whose CPU time is read.
    pub(crate) server: u32,
    pub(crate) method: Method,
    /// Bytes of the message's one field; of a route's answer.
    pub(crate) payload: usize,
    pub(crate) connections: usize,
    /// Calls on each connection, of which a new one begins whenever one ends; or streams, each with one message on its way.
    pub(crate) in_flight: usize,
    /// Half of the calls burn so much instead, and their latencies don't count; 0: none does.
    pub(crate) heavy_us: u32,
    pub(crate) warm_up_ms: u64,
    pub(crate) measured_ms: u64,
    /// Until so many calls have ended since the warm-up, however long it takes.
    pub(crate) calls: Option<u64>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Calls that ended while it was measured.
    pub(crate) calls: u64,
    pub(crate) seconds: f64,
    /// From the moment that a call's bytes are made until its last are read, in microseconds.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// CPU time of the server's process meanwhile, in seconds.
    pub(crate) server_cpu_s: f64,
    /// CPU time of the load meanwhile, in seconds: what the server could not have.
    pub(crate) load_cpu_s: f64,
}

/// Why a run has no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("the load's sockets: {0}")]
    Socket(#[from] io::Error),
    #[error("connection {connection} to {server} was closed by the server after {calls} calls")]
    Closed { connection: usize, server: SocketAddr, calls: u64 },
    #[error("connection {connection} to {server}: the server sent {what}")]
    Answer { connection: usize, server: SocketAddr, what: Refused },
    #[error("the server {server} sent nothing for {seconds} s while calls were in flight")]
    Silent { server: SocketAddr, seconds: u64 },
    #[error("no CPU time of process {process} can be read: {source}")]
    Cpu { process: u32, source: io::Error },
}

/// An answer that is not the one expected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the end of a stream that should stay open")]
    Ended,
    #[error("headers that cannot be read: {0:?}")]
    Headers(loona_hpack::decoder::DecoderError),
    #[error("a call that ended by {0}, not by grpc-status 0")]
    Status(String),
    #[error("headers of an answer that are not of status 200: {0}")]
    Response(String),
    #[error("a head that does not tell how long its answer is, or that ends the connection: {0}")]
    Head(String),
    #[error("an answer to no request")]
    Unasked,
    #[error("{got} bytes of an answer that has {expected}")]
    Length { got: usize, expected: usize },
    #[error("other bytes than those it was sent")]
    Bytes,
    #[error("a frame for stream {0}, on which no call is open")]
    Stream(u32),
    #[error("RST_STREAM of HTTP/2's error code {code} for stream {stream}")]
    Reset { stream: u32, code: u32 },
    #[error("GOAWAY")]
    GoAway,
    #[error("a frame of type {kind} and flags {flags:#x}, which this load does not know")]
    Frame { kind: u8, flags: u8 },
    #[error(
        "a stream window of {window} bytes, too small for a message of {message}: choose a smaller payload"
    )]
    Window { window: u32, message: usize },
}
