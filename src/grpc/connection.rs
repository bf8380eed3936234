//! One connection: HTTP/2 over its bytes, from its first to its last.
//!
//! ```text
//!   silent --preface--> serving --drain begins--> draining --nothing left--> closed
//!     |                                             |
//!     +-- drain begins, or 10 s passed --> closed   +-- time to cut --> cut
//! ```
//!
//! A connection *carries* something while a call on it is open or bytes wait for the peer to read them. A
//! call is open until the last byte of its answer has gone to the socket, not only until its handler has
//! returned: a slow reader gets its answer whole. hyper ends a draining connection when its peer has
//! acknowledged the GOAWAY; a peer that does not is given [`GRACE`] once nothing is carried.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tonic::service::Routes;
use tonic::transport::server::TcpConnectInfo;
use tower::Service;

use super::body::CallBody;
use super::call::{Answer, Call};
use super::wire::Wire;
use super::worker::Shared;

/// How long a connection that carries nothing may take to acknowledge the GOAWAY.
const GRACE: Duration = Duration::from_millis(20);

/// How long a peer may take to say that it speaks HTTP/2.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The length of HTTP/2's client preface.
const PREFACE: usize = 24;

const MAX_CONCURRENT_STREAMS: u32 = 1000;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;

/// HTTP/2 as it is spoken here. A later hand-over of streams to other workers replaces the executor.
pub(super) type Http2 = http2::Builder<TokioExecutor>;

pub(super) fn http2() -> Http2 {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .auto_date_header(false);
    http
}

/// What is known of a connection. Only its own worker's thread touches it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) worker: Arc<Shared>,
    preface_missing: AtomicUsize,
    /// Whether bytes wait for the peer to read.
    blocked: AtomicBool,
    open: AtomicUsize,
    seen: AtomicU64,
    /// Notified when there may be nothing carried any more.
    lighter: Notify,
}

impl Connection {
    pub(super) fn new(worker: Arc<Shared>) -> Arc<Self> {
        worker.connections.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            worker,
            preface_missing: AtomicUsize::new(PREFACE),
            blocked: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            seen: AtomicU64::new(0),
            lighter: Notify::new(),
        })
    }

    pub(super) fn call_began(&self) {
        self.worker.calls.fetch_add(1, Ordering::Relaxed);
        self.seen.fetch_add(1, Ordering::Relaxed);
        if self.open.fetch_add(1, Ordering::Relaxed) == 0 {
            self.worker.carrying.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn call_ended(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.worker.carrying.fetch_sub(1, Ordering::Relaxed);
            self.lighter.notify_one();
        }
    }

    pub(super) fn read(&self, count: usize) {
        let missing = self.preface_missing.load(Ordering::Relaxed);
        if missing > 0 {
            self.preface_missing.store(missing.saturating_sub(count), Ordering::Relaxed);
        }
    }

    pub(super) fn wrote(&self, blocked: bool) {
        if self.blocked.load(Ordering::Relaxed) != blocked {
            self.blocked.store(blocked, Ordering::Release);
            if !blocked {
                self.lighter.notify_one();
            }
        }
    }

    /// Whether the peer has not yet said that it speaks HTTP/2.
    fn is_silent(&self) -> bool {
        self.preface_missing.load(Ordering::Relaxed) > 0
    }

    fn carries(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0 || self.blocked.load(Ordering::Acquire)
    }

    /// Resolves when nothing was carried, and no call came, for as long as [`GRACE`].
    async fn out_of_use(&self) {
        loop {
            while self.carries() {
                self.lighter.notified().await;
            }
            let seen = self.seen.load(Ordering::Relaxed);
            tokio::time::sleep(GRACE).await;
            if !self.carries() && seen == self.seen.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.worker.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a connection to its end. Dropping it closes the connection.
pub(super) async fn serve<I>(
    io: I,
    addresses: TcpConnectInfo,
    http: Http2,
    routes: Routes,
    connection: Arc<Connection>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let worker = Arc::clone(&connection.worker);
    let wire = TokioIo::new(Wire::new(io, Arc::clone(&connection)));
    let calls = Calls { routes, addresses, connection: Arc::clone(&connection) };
    let mut hyper = pin!(http.serve_connection(wire, calls));
    let handshake = async {
        tokio::time::sleep(HANDSHAKE_TIMEOUT).await;
        if !connection.is_silent() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        // An error here is the peer's: it broke the protocol, or went without a word.
        _ = hyper.as_mut() => return,
        () = worker.draining.cancelled() => {}
        () = handshake => return,
    }
    if connection.is_silent() {
        return;
    }
    hyper.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        _ = hyper.as_mut() => {}
        () = connection.out_of_use() => {}
        () = worker.cutting.cancelled() => {
            if connection.carries() {
                worker.cut.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Answers the calls of one connection.
struct Calls {
    routes: Routes,
    addresses: TcpConnectInfo,
    connection: Arc<Connection>,
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<CallBody>;
    type Error = std::convert::Infallible;
    type Future = Answer<<Routes as Service<Request<Incoming>>>::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let call = Call::new(Arc::clone(&self.connection), request.uri());
        request.extensions_mut().insert(self.addresses.clone());
        // Routes are always ready.
        Answer::new(self.routes.clone().call(request), call)
    }
}

/// The addresses of a connection, as handlers find them in a request.
pub(super) fn addresses(local: Option<SocketAddr>, remote: Option<SocketAddr>) -> TcpConnectInfo {
    TcpConnectInfo { local_addr: local, remote_addr: remote }
}
