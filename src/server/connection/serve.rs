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
//! carried, or [`LEAVING_GRACE`] where nobody waits: what it sent before it heard is still answered. Where it was
//! answered a moment ago, the answer is given time to arrive. One that goes on calling is refused its new calls in the
//! end, and one that reads nothing is not waited for: [`Patience`](crate::server::drain::Patience) and
//! [`unread`](crate::server::connection::unread) say when.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::server::application::{Answer, Application};
use crate::server::connection::io_observer::IoObserver;
use crate::server::connection::lifetime::{Departure, Lifetime};
use crate::server::connection::state::Connection;
use crate::server::connection::unread::{Unread, left_unread};
use crate::server::listen::Peer;
use crate::server::options::EngineOptions;
use crate::server::worker::stream_executor::StreamExecutor;

/// How long a connection that carries nothing may take to acknowledge the GOAWAY.
const GRACE: Duration = Duration::from_millis(20);

/// The same when it leaves for its age or for being idle.
const LEAVING_GRACE: Duration = Duration::from_secs(10);

/// HTTP/2 as it is spoken here.
pub(crate) type Http2 = http2::Builder<StreamExecutor>;

pub(crate) fn http2(options: &EngineOptions, streams: StreamExecutor) -> Http2 {
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

/// Serves a connection to its end. Dropping it closes the connection.
pub(crate) async fn serve<I, A>(io: I, peer: Peer, http: Http2, application: A, connection: Arc<Connection>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Application,
{
    // A connection is served once.
    let _ = connection.peer.set(peer);
    let worker = Arc::clone(&connection.worker);
    let io = TokioIo::new(IoObserver::new(io, Arc::clone(&connection)));
    let requests = Requests { application, connection: Arc::clone(&connection) };
    let mut hyper = pin!(http.serve_connection(io, requests));
    let cut = || connection.cut.store(true, Ordering::Relaxed);
    // Looks at the connection whenever hyper has.
    let mut unread = pin!(Unread::new(&connection, worker.options.write_timeout));
    let departure = tokio::select! {
        biased;
        // An error here is the peer's: it broke the protocol, or went without a word.
        _ = hyper.as_mut() => return,
        () = unread.as_mut() => return cut(),
        () = worker.draining.cancelled() => None,
        departure = Lifetime::new(&worker.options, connection.began()).over(&connection) => Some(departure),
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
            () = unread.as_mut() => return cut(),
            () = worker.draining.cancelled() => {}
            () = connection.out_of_use(LEAVING_GRACE) => return,
            () = refuse_after(LEAVING_GRACE, &connection) => {}
            () = lasting(grace) => return cut(),
        }
    }
    let patience = worker.patience();
    tokio::select! {
        biased;
        _ = hyper.as_mut() => {}
        () = unread => cut(),
        () = connection.out_of_use(GRACE) => {}
        () = refuse_after(patience.new_calls, &connection) => {}
        () = left_unread(&connection, patience.unread) => cut(),
        () = worker.cutting.cancelled() => {
            if connection.carries() {
                connection.count_cut();
            }
        }
    }
}

/// Refuses new calls after that, and never resolves.
async fn refuse_after(grace: Duration, connection: &Connection) {
    tokio::time::sleep(grace).await;
    connection.refuse();
    std::future::pending().await
}

/// Resolves after that; never, where there is no limit.
async fn lasting(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Hands the requests of one connection to the application.
struct Requests<A> {
    application: A,
    connection: Arc<Connection>,
}

impl<A: Application> hyper::service::Service<Request<Incoming>> for Requests<A> {
    type Response = Response<A::Body>;
    type Error = Infallible;
    type Future = A::Answer;

    fn call(&self, request: Request<Incoming>) -> A::Answer {
        let answer = self.application.answer(&self.connection, request);
        StreamExecutor::announce(answer.stream_hints());
        answer
    }
}
