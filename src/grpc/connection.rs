//! One connection: HTTP/2 over its bytes, from its first to its last.
//!
//! ```text
//!   silent --preface--> serving --drain begins----------------> draining --nothing left--> closed
//!     |                    |                                     ^    |
//!     |                    +-- too old, or idle --> leaving -----+    +-- time to cut --> cut
//!     |                                              |  |
//!     |                                              |  +-- nothing left --> closed
//!     +-- drain begins, or time is up --> closed     +-- its grace is over --> cut
//! ```
//!
//! A connection *carries* something while a call on it is open or bytes wait for the peer to read them. A
//! call is open until the last byte of its answer has gone to the socket, not only until its handler has
//! returned: a slow reader gets its answer whole. Draining and leaving begin with a GOAWAY; hyper ends the
//! connection when its peer has acknowledged that. A peer that does not is given [`GRACE`] once nothing is
//! carried, or [`LEAVING_GRACE`] where nobody waits: what it sent before it heard is still answered.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::admission::queue;
use super::answer::{Answer, Arrived};
use super::body::CallBody;
use super::call::Call;
use super::options::GrpcServerOptions;
use super::router::Router;
use super::streams::Streams;
use super::term::{Departure, Term};
use super::transport::Peer;
use super::wire::Wire;
use super::worker::Shared;

/// How long a connection that carries nothing may take to acknowledge the GOAWAY.
const GRACE: Duration = Duration::from_millis(20);

/// The same when it leaves for its age or for being idle.
const LEAVING_GRACE: Duration = Duration::from_secs(10);

/// The length of HTTP/2's client preface.
const PREFACE: usize = 24;

/// HTTP/2 as it is spoken here.
pub(super) type Http2 = http2::Builder<Streams>;

pub(super) fn http2(options: &GrpcServerOptions, streams: Streams) -> Http2 {
    let mut http = http2::Builder::new(streams);
    http.timer(TokioTimer::new())
        .max_concurrent_streams(options.max_concurrent_streams)
        .keep_alive_interval(options.keepalive_interval)
        .keep_alive_timeout(options.effective_keepalive_timeout())
        .initial_stream_window_size(options.stream_window_size())
        .initial_connection_window_size(options.connection_window_size())
        .adaptive_window(options.adaptive_window)
        .max_frame_size(options.max_frame_size)
        .max_header_list_size(options.max_header_list_size)
        .auto_date_header(false);
    http
}

/// What is known of a connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) worker: Arc<Shared>,
    /// Whether it was cut for itself alone.
    pub(super) cut: AtomicBool,
    /// Whether it was cut in the drain and its calls are not yet gone.
    cut_with_calls: AtomicBool,
    /// Known once it is served.
    pub(super) peer: OnceLock<Peer>,
    preface_missing: AtomicUsize,
    /// Whether bytes wait for the peer to read.
    blocked: AtomicBool,
    open: AtomicUsize,
    seen: AtomicU64,
    /// Notified when the peer has spoken, and when there may be nothing carried any more.
    pub(super) lighter: Notify,
    began: Instant,
    /// When the last call ended, in nanoseconds since it began. Kept only where being idle has a limit.
    idle_since: AtomicU64,
    /// To be handled, where not every call is at once.
    turns: Option<Arc<Semaphore>>,
}

impl Connection {
    pub(super) fn new(worker: Arc<Shared>) -> Arc<Self> {
        worker.connections.fetch_add(1, Ordering::Relaxed);
        let turns = worker.options.max_concurrent_calls_per_connection;
        // More than a semaphore has are no limit.
        let turns = turns.map(|calls| Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS))));
        Arc::new(Self {
            worker,
            cut: AtomicBool::new(false),
            cut_with_calls: AtomicBool::new(false),
            peer: OnceLock::new(),
            preface_missing: AtomicUsize::new(PREFACE),
            blocked: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            seen: AtomicU64::new(0),
            lighter: Notify::new(),
            began: Instant::now(),
            idle_since: AtomicU64::new(0),
            turns,
        })
    }

    /// Returns how many calls have arrived on its worker before.
    pub(super) fn call_began(&self) -> u64 {
        let number = self.worker.calls.fetch_add(1, Ordering::Relaxed);
        self.seen.fetch_add(1, Ordering::Relaxed);
        if self.open.fetch_add(1, Ordering::Relaxed) == 0 {
            self.worker.carrying.fetch_add(1, Ordering::Relaxed);
        }
        number
    }

    pub(super) fn call_ended(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.worker.carrying.fetch_sub(1, Ordering::Relaxed);
            if self.cut_with_calls.swap(false, Ordering::Relaxed) {
                self.worker.cut_with_calls.fetch_sub(1, Ordering::Relaxed);
            }
            if self.worker.options.max_connection_idle.is_some() {
                let age = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.idle_since.store(age, Ordering::Relaxed);
            }
            self.lighter.notify_one();
        }
    }

    /// The drain does not wait for what it carries any longer.
    fn count_cut(&self) {
        self.worker.cut.fetch_add(1, Ordering::Relaxed);
        if self.has_calls() {
            self.cut_with_calls.store(true, Ordering::Relaxed);
            self.worker.cut_with_calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self, count: usize) {
        let missing = self.preface_missing.load(Ordering::Relaxed);
        if missing > 0 {
            self.preface_missing.store(missing.saturating_sub(count), Ordering::Relaxed);
            if missing <= count {
                self.lighter.notify_one();
            }
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

    /// Where its peer is, where it has an address.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.peer.get().and_then(Peer::address)
    }

    /// Whether the peer has not yet said that it speaks HTTP/2.
    pub(super) fn is_silent(&self) -> bool {
        self.preface_missing.load(Ordering::Relaxed) > 0
    }

    fn carries(&self) -> bool {
        self.has_calls() || self.blocked.load(Ordering::Acquire)
    }

    pub(super) fn has_calls(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// When its last call ended, or it began.
    pub(super) fn idle_since(&self) -> Instant {
        self.began + Duration::from_nanos(self.idle_since.load(Ordering::Relaxed))
    }

    /// Resolves when nothing was carried, and no call came, for as long as that.
    async fn out_of_use(&self, grace: Duration) {
        loop {
            while self.carries() {
                self.lighter.notified().await;
            }
            let seen = self.seen.load(Ordering::Relaxed);
            tokio::time::sleep(grace).await;
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
pub(super) async fn serve<I>(io: I, peer: Peer, http: Http2, router: Router, connection: Arc<Connection>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // A connection is served once.
    let _ = connection.peer.set(peer);
    let worker = Arc::clone(&connection.worker);
    let wire = TokioIo::new(Wire::new(io, Arc::clone(&connection)));
    let calls = Calls { router, connection: Arc::clone(&connection) };
    let mut hyper = pin!(http.serve_connection(wire, calls));
    let departure = tokio::select! {
        biased;
        // An error here is the peer's: it broke the protocol, or went without a word.
        _ = hyper.as_mut() => return,
        () = worker.draining.cancelled() => None,
        departure = Term::new(&worker.options, connection.began()).over(&connection) => Some(departure),
    };
    if connection.is_silent() {
        return;
    }
    hyper.as_mut().graceful_shutdown();
    if let Some(departure) = departure {
        let grace = match departure {
            Departure::Aged => worker.options.max_connection_age_grace,
            Departure::Idle | Departure::Silent => None,
        };
        tokio::select! {
            biased;
            _ = hyper.as_mut() => return,
            () = worker.draining.cancelled() => {}
            () = connection.out_of_use(LEAVING_GRACE) => return,
            () = lasting(grace) => return connection.cut.store(true, Ordering::Relaxed),
        }
    }
    tokio::select! {
        biased;
        _ = hyper.as_mut() => {}
        () = connection.out_of_use(GRACE) => {}
        () = worker.cutting.cancelled() => {
            if connection.carries() {
                connection.count_cut();
            }
        }
    }
}

/// Resolves after that; never, where there is no limit.
async fn lasting(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Answers the calls of one connection.
struct Calls {
    router: Router,
    connection: Arc<Connection>,
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<CallBody>;
    type Error = std::convert::Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let route = self.router.find(request.uri().path());
        let connection = Arc::clone(&self.connection);
        let (call, refusal) = Call::begin(connection, &request, Arc::clone(&route.method));
        Streams::announce(call.deadline(), route.method.cost.heavy());
        if let Some(status) = refusal {
            return Answer::refused(status, call);
        }
        let queued = self.connection.turns.as_ref().filter(|_| call.is_limited()).map(queue);
        Answer::handled(Arrived { request, handler: self.router.handler(route) }, queued, call)
    }
}
