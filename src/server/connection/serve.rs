//! One connection: HTTP over its bytes, from its first to its last.
//!
//! ```text
//!   silent --speaks---> serving --drain begins----------------> draining --nothing left--> closed
//!     |                    |                                     ^    |
//!     |                    +-- too old, idle or given way        |    +-- time to cut --> cut
//!     |                          |                               |
//!     |                          +--> leaving -------------------+
//!     |                                 |  |
//!     |                                 |  +-- nothing left --> closed
//!     |                                 +-- its grace is over --> cut
//!     +-- drain begins, or time is up --> closed
//! ```
//!
//! A connection *carries* something while a call on it is open or bytes wait for the peer to read them. A
//! call is open until the last byte of its answer has gone to the socket, not only until its handler has
//! returned: a slow reader gets its answer whole. Draining and leaving begin with a GOAWAY, where it speaks HTTP/2; hyper ends
//! such a connection when its peer has acknowledged that, one of HTTP/1.1 when the request that is open is answered. A peer that does not is given [`GRACE`] once nothing is
//! carried, or [`LEAVING_GRACE`] where nobody waits: what it sent before it heard is still answered. Over HTTP/1.1 that is the head of
//! a request that is on its way: it has as much time as new calls have, and is answered 408 then. The first bytes of a connection that was just
//! accepted are waited for a little. Others that are silent when the drain begins are closed. Where it was
//! answered a moment ago, the answer is given time to arrive. One that goes on calling is refused its new calls in the
//! end, and one that reads nothing is not waited for: [`Patience`](crate::server::drain::Patience) and
//! [`unread`](crate::server::connection::unread) say when.
//!
//! Where its server gives way, a connection of HTTP/2 leaves. One of HTTP/1.1 cannot be told before its next answer, which says so: it
//! stays until then, or until the drain, since a request may be on its way.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::server::application::Application;
use crate::server::connection::arrival::Arrival;
use crate::server::connection::batch::{Batch, Sending};
use crate::server::connection::io_observer::IoObserver;
use crate::server::connection::lifetime::{Departure, Lifetime};
use crate::server::connection::protocol::{HttpConnection, Protocol};
use crate::server::connection::requests::Requests;
use crate::server::connection::state::Connection;
use crate::server::connection::unread::{Unread, left_unread};
use crate::server::listen::Peer;

/// How long a connection that carries nothing may take to acknowledge the GOAWAY, and one that was just accepted to send its preface.
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
    let batch = Batch::new(io, Arc::clone(&connection));
    let io = TokioIo::new(IoObserver::new(batch.clone(), Arc::clone(&connection)));
    let requests = Requests { application, connection: Arc::clone(&connection) };
    match protocol {
        Protocol::Http2(http) => {
            let http = Sending::new(http.serve_connection(io, requests), batch);
            to_its_end(pin!(http), &connection).await;
        }
        Protocol::Either(http) => {
            let http = Sending::new(http.serve_connection_with_upgrades(io, requests), batch);
            to_its_end(pin!(http), &connection).await;
        }
    }
}

async fn to_its_end(mut hyper: Pin<&mut impl HttpConnection>, connection: &Connection) {
    let worker = &connection.worker;
    let cut = || connection.cut.store(true, Ordering::Relaxed);
    // Looks at the connection whenever hyper has.
    let mut unread = pin!(Unread::new(connection, worker.options.write_timeout));
    let departure = {
        let mut lifetime = pin!(Lifetime::new(&worker.options, connection.began()).over(connection));
        let departure = tokio::select! {
            biased;
            // An error here is the peer's: it broke the protocol, or went without a word.
            _ = hyper.as_mut() => return,
            () = unread.as_mut() => return cut(),
            () = worker.going_away.cancelled() => None,
            departure = lifetime.as_mut() => Some(departure),
        };
        if departure.is_some() || worker.draining.is_cancelled() {
            departure
        } else {
            tokio::select! {
                biased;
                _ = hyper.as_mut() => return,
                () = unread.as_mut() => return cut(),
                () = worker.draining.cancelled() => None,
                () = once(connection, Connection::speaks_http2) => Some(Departure::GivenWay),
                departure = lifetime => Some(departure),
            }
        }
    };
    tokio::select! {
        biased;
        _ = hyper.as_mut() => return,
        () = unread.as_mut() => return cut(),
        spoken = request_is_whole_or_given_up(departure, connection) => {
            if !spoken {
                return;
            }
        }
        () = worker.cutting.cancelled() => return,
    }
    if connection.http1().is_some_and(Arrival::is_given_up) {
        // The wire says so, and ends.
        return tokio::select! {
            biased;
            _ = hyper => {}
            () = unread => cut(),
            () = worker.cutting.cancelled() => {}
        };
    }
    hyper.as_mut().graceful_shutdown();
    if let Some(departure) = departure {
        let grace = match departure {
            Departure::Aged => worker.options.max_connection_age_grace,
            Departure::Idle | Departure::LateHead | Departure::Silent | Departure::GivenWay => None,
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

/// Resolves once that holds of a connection. Polled whenever hyper is, which reads.
async fn once(connection: &Connection, holds: fn(&Connection) -> bool) {
    poll_fn(|_| if holds(connection) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Resolves when no request of HTTP/1.1 is on its way: it is whole, or given up after its time. `false`: nothing came at all.
async fn request_is_whole_or_given_up(departure: Option<Departure>, connection: &Connection) -> bool {
    let patience = connection.worker.patience();
    if connection.is_silent() {
        // Who connects sends at once; it was accepted, and nobody else will answer.
        let first_bytes = if connection.http1().is_some() { patience.in_transit } else { GRACE };
        let left = first_bytes.saturating_sub(connection.began().elapsed());
        let spoken = once(connection, |connection| !connection.is_silent());
        if departure.is_some() || tokio::time::timeout(left, spoken).await.is_err() {
            return false;
        }
    }
    let grace = if departure == Some(Departure::LateHead) { Duration::ZERO } else { patience.new_calls };
    let whole = once(connection, |connection| !connection.has_half_head());
    if tokio::time::timeout(grace, whole).await.is_err()
        && let Some(arrival) = connection.http1()
    {
        arrival.give_up();
    }
    true
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
