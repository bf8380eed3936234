//! One call: counted, limited, timed and logged from its first byte to its last, the panics of its handler caught.
//!
//! ```text
//!   request --> begin --a call--> ResponseFuture --answers--> CallBody --last byte sent--> over
//!                 |               each of them, and each piece that is still to be sent, holds the call
//!                 |
//!                 +-- and a refusal, if it is not to be handled: no request of gRPC: HTTP 405 or 415
//!                                                                one too many: RESOURCE_EXHAUSTED
//!                                                                its headers are malformed: INTERNAL
//! ```
//!
//! All code of the handler runs in [`Call::run`]. Whoever waits for it has an [`Alarm`](crate::grpc::call::alarm::Alarm), which wakes it when the call
//! is called off (UNAVAILABLE) or its deadline has passed (DEADLINE_EXCEEDED).

mod endings;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tracing::Span;
use tracing::span::Entered;

use crate::base::EndedBy;
use crate::grpc::builtin::health;
use crate::grpc::call::call_path::{self, CallPath};
use crate::grpc::call::caught_panic;
use crate::grpc::call::deadline::Deadline;
use crate::grpc::call::request::{self, Refusal};
use crate::grpc::logging::{CallLog, Facts, Tap};
use crate::grpc::register::methods::Method;
use crate::server::admission::Place;
use crate::server::connection::state::Connection;
use crate::server::held_bytes::Sends;
use crate::server::listen::Peer;
use crate::server::worker::current_poll::InHandler;

/// How many bytes a message to health or reflection may have: they hold a name.
const LONGEST_BUILT_IN_REQUEST: u32 = 4096;

/// A call that is open, until the last of its answer has gone to the socket: everything of it holds one.
///
/// There is one for each call, on the heap: what most calls don't have is kept apart.
#[derive(Debug)]
pub(crate) struct Call {
    connection: Arc<Connection>,
    /// Where its method does not know its own.
    path: Option<Arc<CallPath>>,
    /// What it calls, as far as it is known.
    pub(crate) method: Arc<Method>,
    began: Instant,
    deadline: Option<Box<Deadline>>,
    limited: bool,
    /// Whether it counts as one that its connection carries.
    carried: bool,
    /// Whether it has a place among the watches of its connection.
    watches: bool,
    /// Its longest poll, in nanoseconds, where polls are measured; 0 before the first.
    longest_poll: Option<AtomicU32>,
    log: CallLog,
    /// A user's own, in place of that of the log.
    span: Option<Box<Span>>,
    /// Where it stands among the open calls of its worker.
    entry: usize,
    _place: Option<Place>,
}

impl Call {
    /// A call that has arrived. `Some` refusal: it is to be answered with that and nothing else.
    pub(crate) fn begin<B>(
        connection: Arc<Connection>,
        request: &Request<B>,
        method: Arc<Method>,
        span: Option<Box<Span>>,
    ) -> (Arc<Self>, Option<Refusal>) {
        let carried = !connection.refuses();
        let number = if carried { connection.call_began() } else { connection.call_arrived() };
        let longest_poll = method.cost.is_measured(number).then(AtomicU32::default);
        let (options, taken) = (&connection.worker.options, &connection.worker.places_taken);
        let limited = !(method.built_in && is_health(request.uri().path()));
        let mut refusal = request::refuse(request, &method.context.content_subtypes);
        let mut refused_by = EndedBy::Refusal;
        let mut shed = |refusal: &mut Option<Refusal>, why: &str| {
            connection.worker.shed.fetch_add(1, Ordering::Relaxed);
            (*refusal, refused_by) = (Some(Status::resource_exhausted(why).into()), EndedBy::Shedding);
        };
        let places = options.max_concurrent_calls.filter(|_| limited && refusal.is_none());
        let place = places.and_then(|places| {
            let place = Place::take(taken, places);
            if place.is_none() {
                shed(&mut refusal, "the server has as many calls open as it may: try again later");
            }
            place
        });
        let watches = refusal.is_none() && method.is_watch() && connection.begin_watch();
        if refusal.is_none() && !watches && method.is_watch() {
            shed(&mut refusal, "the connection has as many watches open as it may: end one first");
        }
        let timeout = options.request_timeout.filter(|_| limited);
        let deadline = Deadline::of(request.headers(), timeout).unwrap_or_else(|malformed| {
            if refusal.is_none() {
                (refusal, refused_by) = (Some(malformed.into()), EndedBy::Refusal);
            }
            None
        });
        if refusal.is_none() {
            let closed = method
                .availability
                .as_ref()
                .and_then(|availability| availability.refusal())
                .map(Refusal::from);
            refusal = closed.or_else(|| request::refuse_encoding(request.headers()));
        }
        if !carried {
            let going = "this connection was told to go away: call again on another";
            (refusal, refused_by) = (Some(Status::unavailable(going).into()), EndedBy::Refusal);
        }
        let path = match method.described {
            Some(_) => None,
            None => Some(Arc::new(CallPath::of(request.uri()))),
        };
        method.meter.began();
        let began = Instant::now();
        let entry = connection.worker.open.insert(call_path::label(&method, path.as_ref()), began);
        let facts = Facts {
            logger: &method.context.logger,
            path: path.as_deref(),
            method: &method,
            peer: connection.address(),
            began,
            span: span.as_deref(),
        };
        // Health is probed for as long as the server lives.
        let log = CallLog::begin(facts, request.headers(), !limited);
        match &refusal {
            Some(_) => log.ends_by(refused_by),
            None => log.opened(facts),
        }
        let call = Self {
            connection,
            path,
            method,
            began,
            deadline: deadline.map(Box::new),
            limited,
            carried,
            watches,
            longest_poll,
            log,
            span,
            entry,
            _place: place,
        };
        (Arc::new(call), refusal)
    }

    fn facts(&self) -> Facts<'_> {
        let (logger, path) = (&*self.method.context.logger, self.path.as_deref());
        let (peer, span) = (self.connection.address(), self.span.as_deref());
        Facts { logger, path, method: &self.method, peer, began: self.began, span }
    }

    /// Within the call's span, for as long as user code runs.
    pub(crate) fn enter(&self) -> Option<Entered<'_>> {
        match &self.span {
            Some(span) => Some(span.enter()),
            None => self.log.enter(),
        }
    }

    /// Where the messages of its request are logged.
    pub(crate) fn request_tap(&self, headers: &HeaderMap) -> Option<Box<Tap>> {
        self.log.requests(self.facts(), headers)
    }

    /// Where the messages of its answer are logged.
    pub(crate) fn response_tap(&self, headers: &HeaderMap) -> Option<Box<Tap>> {
        self.log.responses(self.facts(), headers)
    }

    /// Its answer has begun.
    pub(crate) fn answered(&self, response: &Response<Body>) {
        self.log.answered(self.facts(), response);
    }

    /// Its answer is ended by these trailers.
    pub(crate) fn trailed(&self, trailers: &HeaderMap) {
        self.log.trailed(self.facts(), trailers);
    }

    /// Its answer is ended so.
    pub(crate) fn ended(&self, status: &Status) {
        self.log.ended(self.facts(), status);
    }

    /// Its answer is ended so, since a message was too long.
    pub(crate) fn limited_to(&self, status: &Status) {
        self.log.ends_by(EndedBy::Limit);
        self.ended(status);
    }

    /// Its answer has come to its end, whatever trailers there were.
    pub(crate) fn closed(&self) {
        let status = || (EndedBy::Handler, Status::unknown("the answer ended without a gRPC status"));
        self.log.closed(self.facts(), status);
    }

    /// Cancelled when its server does not wait for calls any longer.
    pub(crate) fn called_off(&self) -> &CancellationToken {
        &self.connection.worker.called_off
    }

    /// Whether its connection is to end with its answer, where that speaks HTTP/1.1.
    pub(crate) fn is_last(&self) -> bool {
        self.connection.is_going_away()
    }

    /// Whether the server's own limits hold for it.
    pub(crate) fn is_limited(&self) -> bool {
        self.limited
    }

    pub(crate) fn deadline(&self) -> Option<&Deadline> {
        self.deadline.as_deref()
    }

    /// The address of the caller, where it is known.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        self.connection.peer.get()
    }

    /// How many bytes a message of the request may have.
    pub(crate) fn max_decoding_message_size(&self) -> u32 {
        let limit = self.method.context.max_decoding_message_size;
        if self.method.built_in { limit.min(LONGEST_BUILT_IN_REQUEST) } else { limit }
    }

    /// How many bytes a message of the answer may have.
    pub(crate) fn max_encoding_message_size(&self) -> u32 {
        self.method.context.max_encoding_message_size
    }

    /// Its handler has no more to say. Told once.
    pub(crate) fn handled(&self) {
        if self.carried {
            self.connection.call_answered();
        }
    }

    /// Whether its answer is a single message, as far as that is known.
    pub(crate) fn has_single_answer(&self) -> bool {
        self.method.described.as_ref().is_some_and(|described| described.kind.answers_once())
    }

    /// Whether it may go on for as long as its handler likes: its method streams. Where nothing describes that, `has_more` tells
    /// whether it has shown so.
    pub(crate) fn streams(&self, has_more: bool) -> bool {
        let described = self.method.described.as_ref();
        !self.method.built_in && described.map_or(has_more, |described| !described.kind.is_unary())
    }

    /// Cancelled when streams are to end in order.
    pub(crate) fn streams_off(&self) -> &CancellationToken {
        &self.connection.worker.streams_off
    }

    /// Runs code of its handler; `Err` is the status where that panicked.
    pub(crate) fn run<T>(&self, poll: impl FnOnce() -> T) -> Result<T, Status> {
        let began = self.longest_poll.as_ref().map(|longest| (longest, std::time::Instant::now()));
        let polled = {
            let _within = self.enter();
            let _in_handler = InHandler::enter(self.connection.worker.number, self.entry);
            catch_unwind(AssertUnwindSafe(poll))
        };
        let polled = polled.map_err(|payload| self.panicked(payload));
        if let Some(panic) = caught_panic::take() {
            self.log.panicked(self.facts(), &panic);
        }
        if let Some((longest, began)) = began {
            let took = u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX);
            longest.fetch_max(took, Ordering::Relaxed);
        }
        polled
    }
}

/// A server that is full still has to tell how it is, and a watch of that lasts.
fn is_health(path: &str) -> bool {
    let service = path.strip_prefix('/').and_then(|path| path.strip_prefix(health::NAME));
    service.is_some_and(|method| method.starts_with('/'))
}

impl Sends for Call {
    fn sent(&self, count: usize) {
        self.connection.sent(count);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.log.closed(self.facts(), || self.dropped());
        // A call that was not handled tells nothing of what its method costs.
        if let Some(longest) = self.longest_poll.take().map(AtomicU32::into_inner).filter(|took| *took > 0) {
            self.method.cost.measured(Duration::from_nanos(longest.into()));
        }
        if self.watches {
            self.connection.end_watch();
        }
        self.connection.worker.open.remove(self.entry);
        if self.carried {
            self.connection.call_ended();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_no_larger_than_what_allocators_hand_out_fast() {
        let counts = 2 * size_of::<usize>();
        assert!(size_of::<Call>() + counts <= 120, "{} bytes", size_of::<Call>() + counts);
    }
}
