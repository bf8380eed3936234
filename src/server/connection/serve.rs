//! One connection: HTTP over its bytes, from its first to its last.
//!
//! ```text
//!   silent --speaks---> serving --drain begins----------------> draining --nothing left--> closed
//!     |                    |                                     ^    |
//!     |                    +-- too old, or idle --> leaving -----+    +-- time to cut --> cut
//!     |                                              |  |
//!     |                                              |  +-- nothing left --> closed
//!     +-- drain begins, or time is up --> closed     +-- its grace is over --> cut
//! ```
//!
//! A connection *carries* something while a call on it is open or bytes wait for the peer to read them. A
//! call is open until the last byte of its answer has gone to the socket, not only until its handler has
//! returned: a slow reader gets its answer whole. Draining and leaving begin with a GOAWAY, where it speaks HTTP/2; hyper ends
//! such a connection when its peer has acknowledged that, one of HTTP/1.1 when the request that is open is answered. A peer that does not is given [`GRACE`] once nothing is
//! carried, or [`LEAVING_GRACE`] where nobody waits: what it sent before it heard is still answered. Where it was
//! answered a moment ago, the answer is given time to arrive. One that goes on calling is refused its new calls in the
//! end, and one that reads nothing is not waited for: [`Patience`](crate::server::drain::Patience) and
//! [`unread`](crate::server::connection::unread) say when.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::server::application::Application;
use crate::server::connection::io_observer::IoObserver;
use crate::server::connection::lifetime::{Departure, Lifetime};
use crate::server::connection::protocol::{HttpConnection, Protocol};
use crate::server::connection::requests::Requests;
use crate::server::connection::state::Connection;
use crate::server::connection::unread::{Unread, left_unread};
use crate::server::listen::Peer;

/// How long a connection that carries nothing may take to acknowledge the GOAWAY.
const GRACE: Duration = Duration::from_millis(20);

/// The same when it leaves for its age or for being idle.
const LEAVING_GRACE: Duration = Duration::from_secs(10);

/// Serves a connection to its end. Dropping it closes the connection.
pub(crate) async fn serve<I, A>(
    io: I,
    peer: Peer,
    protocol: Protocol,
    application: A,
    connection: Arc<Connection>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Application,
{
    // A connection is served once.
    let _ = connection.peer.set(peer);
    let io = TokioIo::new(IoObserver::new(io, Arc::clone(&connection)));
    let requests = Requests { application, connection: Arc::clone(&connection) };
    match protocol {
        Protocol::Http2(http) => to_its_end(pin!(http.serve_connection(io, requests)), &connection).await,
        Protocol::Either(http) => {
            to_its_end(pin!(http.serve_connection_with_upgrades(io, requests)), &connection).await;
        }
    }
}

async fn to_its_end(mut hyper: Pin<&mut impl HttpConnection>, connection: &Connection) {
    let worker = &connection.worker;
    let cut = || connection.cut.store(true, Ordering::Relaxed);
    // Looks at the connection whenever hyper has.
    let mut unread = pin!(Unread::new(connection, worker.options.write_timeout));
    let departure = tokio::select! {
        biased;
        // An error here is the peer's: it broke the protocol, or went without a word.
        _ = hyper.as_mut() => return,
        () = unread.as_mut() => return cut(),
        () = worker.draining.cancelled() => None,
        departure = Lifetime::new(&worker.options, connection.began()).over(connection) => Some(departure),
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
            () = refuse_after(LEAVING_GRACE, connection) => {}
            () = lasting(grace) => return cut(),
        }
    }
    let patience = worker.patience();
    tokio::select! {
        biased;
        _ = hyper.as_mut() => {}
        () = unread => cut(),
        () = connection.out_of_use(GRACE) => {}
        () = refuse_after(patience.new_calls, connection) => {}
        () = left_unread(connection, patience.unread) => cut(),
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
