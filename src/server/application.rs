//! What serves requests, and what the engine promises it.
//!
//! ```text
//!   accepted --peer_of--> Peer      request --answer--> Answer --Response--> Body --last byte sent--> gone
//! ```
//!
//! An [`Application`] turns requests into answers, in words of its protocol. The engine knows neither its statuses nor
//! its paths. How an answer says that it is refused, called off or out of time is the application's: trailers here,
//! a status code there. So the engine tells the application when, by the [state](crate::server::state) that it shares
//! with it, and the application answers.
//!
//! # What the engine promises
//! - [`Application::for_worker`] is called once for each worker, before any of its threads serves.
//! - [`Application::peer_of`] is called once for each connection, before its first request.
//! - [`Application::answer`] is called on the thread of the connection's worker, in the order of arrival, once for each
//!   request whose headers are whole.
//! - An [`Answer`] may be polled on another worker. It is dropped when the connection ends, when the peer resets its
//!   stream, or a little after [`StreamHints::deadline`].
//! - `off` is set, and `called_off` cancelled, when what is left is to be answered at once; the connections are cut later.
//!
//! # What the application promises
//! - It counts each request by [`Connection`]: `call_began`, or `call_arrived` for one that is refused since the connection
//!   [`refuses`](Connection::refuses); `call_answered` when its handler has no more to say; `call_ended` when the last
//!   byte of its answer is gone. A connection is waited for in a drain for as long as calls are open.
//! - It enters each request into the [list of open calls](crate::server::open_calls) under the name that reports show, and
//!   says which are endless ([`CallLabel`](crate::server::open_calls::CallLabel)).
//! - It wakes an answer that waits when `called_off` is cancelled, and ends it then.
//! - It catches the panics of handlers. Whatever unwinds out of an answer ends its stream alone.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::{Buf, Incoming};
use tokio::time::Instant;

use crate::base::BoxError;
use crate::server::connection::state::Connection;
use crate::server::listen::{Peer, Socket};

/// Serves the requests of a server. Cloning it is cheap: each connection has a clone.
pub(crate) trait Application: Clone + Send + 'static {
    /// The rest of an answer.
    type Body: http_body::Body<Data: Buf + Send + 'static, Error: Into<BoxError>> + Send + 'static;

    /// An answer on its way.
    type Answer: Answer<Self::Body>;

    /// The same application for one worker: what it counts and measures touches nothing that other workers touch.
    fn for_worker(&self) -> Self;

    /// What handlers are told of the peer of a connection.
    fn peer_of(&self, socket: Socket<'_>) -> Peer;

    /// Begins to answer a request.
    fn answer(&self, connection: &Arc<Connection>, request: Request<Incoming>) -> Self::Answer;
}

/// An answer, until it begins.
pub(crate) trait Answer<B>: Future<Output = Result<Response<B>, Infallible>> + Send + 'static {
    /// What its stream is run by.
    fn stream_hints(&self) -> StreamHints;
}

/// What a stream is run by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StreamHints {
    /// When its answer ends by itself. The stream is reset a little later.
    pub(crate) deadline: Option<Instant>,
    /// What its first poll is expected to take, where that is much, in nanoseconds.
    pub(crate) cost: Option<u64>,
}
