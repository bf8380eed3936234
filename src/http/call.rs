//! One request and its answer, counted, limited and watched from the first byte to the last.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use std::time::Duration;

use http::{Method, Request, StatusCode, Version};
use tokio::time::Instant;
use tracing::Span;

use crate::base::{EndedBy, PanicError, drop_quietly};
use crate::events::Name;
use crate::http::label::RequestLabel;
use crate::http::refusal::Refusal;
use crate::http::request_end::RequestEnd;
use crate::http::route_costs::RequestCost;
use crate::http::shared::Shared;
use crate::metrics::RequestFacts;
use crate::server::admission::Place;
use crate::server::connection::call_entry::CallEntry;
use crate::server::connection::state::Connection;
use crate::server::held_bytes::Sends;
use crate::supervision::panics;

/// The peer of a connection, in the extensions of its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its address, where it has one: not over a Unix socket, nor in memory.
    pub address: Option<SocketAddr>,
}

/// How far the body of a request has come.
const COMING: u8 = 0;
const WHOLE: u8 = 1;
const SLOW: u8 = 2;
const TOO_LONG: u8 = 3;
const BROKEN: u8 = 4;

/// A request that is open, until the last of its answer has gone to the socket: everything of it holds one.
#[derive(Debug)]
pub(crate) struct Call {
    entry: CallEntry,
    label: Arc<RequestLabel>,
    pub(crate) version: Version,
    is_connect: bool,
    shared: Arc<Shared>,
    deadline: Option<Instant>,
    body: AtomicU8,
    /// The status of its answer; 0 before that begins.
    status: AtomicU16,
    ended_by: AtomicU8,
    span: Span,
    /// What its route costs.
    cost: RequestCost,
    is_over: AtomicBool,
    asks_for_head: bool,
    _place: Option<Place>,
}

impl Call {
    /// A request that has arrived. `Some` refusal: it is to be answered with that and nothing else.
    pub(crate) fn begin<B>(
        connection: &Arc<Connection>,
        request: &Request<B>,
        (span, cost): (Span, RequestCost),
        shared: &Arc<Shared>,
    ) -> (Arc<Self>, Option<Refusal>)
    where
        B: http_body::Body,
    {
        let label = Arc::new(RequestLabel::of(request.method(), request.uri()));
        let entry = CallEntry::begin(Arc::clone(connection), Arc::clone(&label) as _);
        let (options, taken) = (&connection.worker.options, &connection.worker.places_taken);
        let place = options.max_concurrent_calls.map(|most| Place::take(taken, most));
        let length = request.body().size_hint().lower();
        let refusal = if entry.comes_late() {
            Some(Refusal::GoingAway)
        } else if matches!(place, Some(None)) {
            connection.worker.shed.fetch_add(1, Ordering::Relaxed);
            Some(Refusal::Full)
        } else if shared.max_body_size.is_some_and(|most| length > most as u64) {
            Some(Refusal::TooLong)
        } else {
            None
        };
        let body = if request.body().is_end_stream() { WHOLE } else { COMING };
        let call = Self {
            deadline: options.request_timeout.and_then(|timeout| entry.began().checked_add(timeout)),
            entry,
            label,
            version: request.version(),
            is_connect: request.method() == Method::CONNECT,
            shared: Arc::clone(shared),
            body: AtomicU8::new(body),
            status: AtomicU16::new(0),
            ended_by: AtomicU8::new(EndedBy::UNKNOWN),
            span,
            cost,
            is_over: AtomicBool::new(false),
            asks_for_head: request.method() == Method::HEAD,
            _place: place.flatten(),
        };
        (Arc::new(call), refusal)
    }

    pub(crate) fn entry(&self) -> &CallEntry {
        &self.entry
    }

    pub(crate) fn label(&self) -> &Arc<RequestLabel> {
        &self.label
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// What its first poll is expected to take, where that is much, in nanoseconds.
    pub(crate) fn heavy(&self) -> Option<u64> {
        self.cost.heavy()
    }

    pub(crate) fn peer(&self) -> Peer {
        Peer { address: self.entry.connection.address() }
    }

    /// Whether such an answer has its connection speak something else than HTTP (RFC 9110, sections 7.8 and 9.3.6).
    pub(crate) fn is_upgraded_by(&self, status: StatusCode) -> bool {
        let upgraded = status == StatusCode::SWITCHING_PROTOCOLS || self.is_connect && status.is_success();
        upgraded && self.version < Version::HTTP_2
    }

    /// Whether its connection is to end with its answer: nothing can be read after a body that could not be.
    pub(crate) fn is_last(&self) -> bool {
        let body = self.body.load(Ordering::Relaxed);
        matches!(body, SLOW | TOO_LONG | BROKEN)
            || self.shared.closing.load(Ordering::Relaxed)
            || self.entry.connection.is_going_away()
    }

    pub(crate) fn max_body_size(&self) -> Option<usize> {
        self.shared.max_body_size
    }

    pub(crate) fn body_timeout(&self) -> Option<Duration> {
        self.shared.body_timeout
    }

    pub(crate) fn body_is_whole(&self) {
        self.body.store(WHOLE, Ordering::Relaxed);
    }

    pub(crate) fn body_was_slow(&self) {
        self.body.store(SLOW, Ordering::Relaxed);
    }

    pub(crate) fn body_was_too_long(&self) {
        self.body.store(TOO_LONG, Ordering::Relaxed);
    }

    pub(crate) fn body_was_broken(&self) {
        self.body.store(BROKEN, Ordering::Relaxed);
    }

    /// Its answer begins.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::Relaxed);
    }

    /// What ends it: the handler, unless something else is set.
    pub(crate) fn ends_by(&self, who: EndedBy) {
        self.ended_by.store(who as u8, Ordering::Relaxed);
    }

    /// It ends by this answer in place of the handler's.
    pub(crate) fn refused(&self, refusal: Refusal) {
        if let Some(who) = refusal.ends_by() {
            self.ends_by(who);
        }
    }

    /// Whether somebody counts it, or is told of its end.
    pub(crate) fn is_told(&self) -> bool {
        self.shared.requests.is_on() || self.shared.on_request_end.is_some()
    }

    /// Whether its answer has no body, whatever that says.
    pub(crate) fn asks_for_head(&self) -> bool {
        self.asks_for_head
    }

    /// It is over: counted once, by what is told first. `is_whole`: its answer, of that status, was sent to its end.
    pub(crate) fn over(&self, status: Option<StatusCode>, is_whole: bool) {
        if !self.is_told() || self.is_over.swap(true, Ordering::Relaxed) {
            return;
        }
        if self.ended_by.load(Ordering::Relaxed) == EndedBy::UNKNOWN {
            self.ends_by(match is_whole {
                true => EndedBy::Handler,
                false if self.is_late() => EndedBy::Deadline,
                false if self.entry.connection.is_cut() => EndedBy::Cut,
                false => EndedBy::Client,
            });
        }
        self.shared.requests.ended(self.ended_by(), || RequestFacts {
            method: self.label.method(),
            route: self.label.route(),
            secure: self.is_secure(),
            version: self.version,
            status,
            is_whole,
            took: self.entry.began().elapsed(),
        });
    }

    fn ended_by(&self) -> EndedBy {
        EndedBy::from(self.ended_by.load(Ordering::Relaxed))
    }

    fn is_secure(&self) -> bool {
        self.entry.connection.peer.get().is_some_and(|peer| peer.secure)
    }

    /// Runs code of its handler, within its span; `Err`: that panicked.
    pub(crate) fn run<T>(&self, code: impl FnOnce() -> T) -> Result<T, Refusal> {
        let _within = self.span.enter();
        self.cost.measure(|| self.entry.run(code)).map_err(|payload| self.panicked(payload))
    }

    fn panicked(&self, payload: Box<dyn Any + Send>) -> Refusal {
        let panic: PanicError = panics::latest(&*payload);
        drop_quietly(payload);
        let (service, request) = (self.service(), self.entry.name());
        tracing::error!(target: "majordomo::http", %service, request, error = %panic, "a handler panicked");
        self.ends_by(EndedBy::Panic);
        Refusal::Failed
    }

    /// Its service failed, in place of an answer or in the middle of one. Where its client was at fault, which anybody can be, that is
    /// no error of the service's.
    pub(crate) fn failed(&self, error: &dyn std::error::Error) -> Refusal {
        match self.body.load(Ordering::Relaxed) {
            SLOW => Refusal::SlowRequest,
            TOO_LONG => Refusal::TooLong,
            BROKEN => Refusal::Malformed,
            _ => {
                let (service, request) = (self.service(), self.entry.name());
                tracing::error!(target: "majordomo::http", %service, request, %error, "a handler failed");
                self.ends_by(EndedBy::Failure);
                Refusal::Failed
            }
        }
    }

    /// Whether it has reached its deadline, for one that does not wait: it reads the clock.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// It has reached its deadline.
    pub(crate) fn exceeded(&self) -> Refusal {
        match self.body.load(Ordering::Relaxed) {
            COMING => Refusal::SlowRequest,
            _ => Refusal::TooSlow,
        }
    }

    fn service(&self) -> &Name {
        &self.shared.service
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Some(observer) = &self.shared.on_request_end else { return };
        observer.tell(&RequestEnd {
            method: self.label.method(),
            route: self.label.route(),
            is_secure: self.is_secure(),
            version: self.version,
            status: StatusCode::from_u16(self.status.load(Ordering::Relaxed)).ok(),
            ended_by: self.ended_by(),
            elapsed: self.entry.began().elapsed(),
            span: &self.span,
        });
    }
}

impl Sends for Call {
    fn sent(&self, count: usize) {
        self.entry.sent(count);
    }
}
