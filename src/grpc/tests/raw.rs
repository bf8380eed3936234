//! A peer by bytes: it does what no library would let it, over a connection in memory, so that time can be paused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

use crate::grpc::GrpcServerOptions;
use crate::grpc::builtin::ping::PingService;
use crate::grpc::call::connect_info::addresses;
use crate::grpc::register::router::Router;
use crate::grpc::tests::peer::{alone, serving};
use crate::grpc::{GrpcRegistrar, tests::probe::Probe};
use crate::server::connection::serve::serve;
use crate::server::connection::state::Connection;
use crate::server::drain::Timetable;
use crate::server::state::WorkerState;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header that is not to be remembered.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0, name.len() as u8];
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend(number(value.len()));
    bytes.extend_from_slice(value.as_bytes());
    bytes
}

/// A number with a prefix of seven bits.
fn number(value: usize) -> Vec<u8> {
    if value < 127 {
        return vec![value as u8];
    }
    let (mut bytes, mut rest) = (vec![127], value - 127);
    while rest > 127 {
        bytes.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes
}

/// The frame that opens a call; it is its whole request unless there is more to come.
pub(crate) fn open(stream: u32, path: &str, more: bool) -> Vec<u8> {
    let headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "test"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let block = headers.map(|(name, value)| literal(name, value)).concat();
    let end = if more { 0 } else { END_STREAM };
    frame(HEADERS, END_HEADERS | end, stream, &block)
}

/// A call with a message that is empty.
pub(crate) fn call(stream: u32, path: &str) -> Vec<u8> {
    [open(stream, path, true), frame(DATA, END_STREAM, stream, &[0; 5])].concat()
}

/// Calls of no method of a long path; after the first, which the server has to remember, at a few bytes each.
pub(crate) fn short_calls(path: &str, count: u32, indexed: bool) -> Vec<u8> {
    let first = [&[0x83, 0x86, 0x44][..], &number(path.len()), path.as_bytes()].concat();
    let others = if indexed { vec![0x83, 0x86, 0xbe] } else { first.clone() };
    let block = |at: u32| if at == 0 { &first } else { &others };
    (0..count).flat_map(|at| frame(HEADERS, END_HEADERS | END_STREAM, 2 * at + 1, block(at))).collect()
}

/// A connection of such a peer, and the server's end of it.
pub(crate) struct Raw {
    pub(crate) io: DuplexStream,
    pub(crate) connection: Arc<Connection>,
    pub(crate) served: JoinHandle<()>,
}

impl Raw {
    /// Connects to a server of the ping service, which is described, and of a probe, which is not. So many bytes are on
    /// their way at most. What is known of it is never read.
    pub(crate) async fn connect(
        options: &GrpcServerOptions,
        probe: &Probe,
        buffer: usize,
        settings: &[u8],
    ) -> Self {
        let registrar = GrpcRegistrar::new();
        registrar.add_service(probe.clone());
        PingService.register(&registrar);
        Self::connect_to(options, registrar.close(), buffer, settings).await
    }

    async fn connect_to(options: &GrpcServerOptions, router: Router, buffer: usize, settings: &[u8]) -> Self {
        let (mut io, far) = tokio::io::duplex(buffer);
        let connection = Connection::new(Arc::new(WorkerState::new(options.engine.clone(), Arc::default())));
        let serving = serve(
            far,
            addresses(None, None),
            alone(&options.engine),
            serving(router, options),
            Arc::clone(&connection),
        );
        let served = tokio::spawn(serving);
        io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        io.write_all(&frame(SETTINGS, 0, 0, settings)).await.unwrap();
        Self { io, connection, served }
    }

    /// Begins a drain that may take so long.
    pub(crate) fn drain(&self, whole: Duration) {
        let now = Instant::now();
        self.connection.worker.drain(Some(Timetable::new(now, now + whole)));
    }

    /// The next frame: its kind, flags, stream and payload; `None` at the end.
    pub(crate) async fn read(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        self.io.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        self.io.read_exact(&mut payload).await.ok()?;
        Some((head[3], head[4], u32::from_be_bytes(head[5..].try_into().unwrap()), payload))
    }
}
