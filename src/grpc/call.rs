//! One call: counted, admitted or refused, ended before its deadline and the drain's, its panics caught.
//!
//! ```text
//!   request --> Answer: queued --its turn--> handled --answers--> CallBody --last byte sent--> over
//!                 |       |                    |                    |
//!                 |       +--------------------+--------------------+-- called off: UNAVAILABLE
//!                 |       +--------------------+--------------------+-- its deadline: DEADLINE_EXCEEDED
//!                 |                            +--------------------+-- panics: INTERNAL
//!                 +-- one too many: RESOURCE_EXHAUSTED
//! ```
//!
//! Before the answer has begun these are headers alone; later, trailers after what was sent.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Request, Response};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tonic::body::Body;

use super::admission::{Place, Queued, Turn};
use super::body::CallBody;
use super::connection::Connection;
use super::deadline::Deadline;
use super::handler::HandlerFuture;
use super::health;
use super::methods::Method;
use crate::error::PanicError;

/// A call that is open, until the last of its answer has gone to the socket: everything of it holds one.
#[derive(Debug)]
pub(super) struct Call {
    connection: Arc<Connection>,
    path: Option<PathAndQuery>,
    /// What it calls, as far as it is known.
    pub(super) method: Arc<Method>,
    began: Instant,
    deadline: Option<Deadline>,
    limited: bool,
    /// Its longest poll, in nanoseconds, where polls are measured.
    longest_poll: Option<AtomicU64>,
    /// Where it stands among the open calls of its worker.
    entry: usize,
    _place: Option<Place>,
}

impl Call {
    /// A call that has arrived. `Some` status: it is to be answered with that and nothing else.
    pub(super) fn begin<B>(
        connection: Arc<Connection>,
        request: &Request<B>,
        method: Arc<Method>,
    ) -> (Arc<Self>, Option<Status>) {
        let longest_poll = method.cost.is_measured(connection.call_began()).then(AtomicU64::default);
        let (options, taken) = (&connection.worker.options, &connection.worker.places_taken);
        let limited = !(method.built_in && is_health(request.uri().path()));
        let mut refusal = None;
        let place = options.max_concurrent_calls.filter(|_| limited).and_then(|places| {
            let place = Place::take(taken, places);
            if place.is_none() {
                connection.worker.shed.fetch_add(1, Ordering::Relaxed);
                refusal = Some(Status::resource_exhausted("the server has as many calls open as it may"));
            }
            place
        });
        let timeout = options.request_timeout.filter(|_| limited);
        let deadline = Deadline::of(request.headers(), timeout).unwrap_or_else(|malformed| {
            refusal = Some(malformed);
            None
        });
        let path = request.uri().path_and_query().cloned();
        let began = Instant::now();
        let entry = connection.worker.open.insert(path.clone(), began);
        let call =
            Self { connection, path, method, began, deadline, limited, longest_poll, entry, _place: place };
        (Arc::new(call), refusal)
    }

    fn path(&self) -> &str {
        self.path.as_ref().map_or("", PathAndQuery::path)
    }

    /// Whether the server's own limits hold for it.
    pub(super) fn is_limited(&self) -> bool {
        self.limited
    }

    pub(super) fn deadline(&self) -> Option<&Deadline> {
        self.deadline.as_ref()
    }

    /// How many bytes a message of the answer may have.
    pub(super) fn max_encoding_message_size(&self) -> u32 {
        self.connection.worker.options.max_encoding_message_size
    }

    /// Runs code of its handler; `Err` is the status where that panicked.
    pub(super) fn run<T>(&self, poll: impl FnOnce() -> T) -> Result<T, Status> {
        let began = self.longest_poll.as_ref().map(|longest| (longest, std::time::Instant::now()));
        let polled = catch_unwind(AssertUnwindSafe(poll)).map_err(|payload| self.panicked(payload));
        if let Some((longest, began)) = began {
            let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            longest.fetch_max(took, Ordering::Relaxed);
        }
        polled
    }

    /// The status of a call that has run out of time, for one that does not wait: it reads the clock.
    pub(super) fn out_of_time(&self) -> Option<Status> {
        if self.connection.worker.off.load(Ordering::Relaxed) {
            return Some(self.call_off());
        }
        self.deadline.filter(Deadline::has_passed).map(|deadline| deadline.exceeded())
    }

    /// The status of a call that is not waited for any longer, which it counts.
    fn call_off(&self) -> Status {
        self.connection.worker.count_unavailable(self.path(), self.began.elapsed());
        Status::unavailable("server is shutting down")
    }

    /// The status of a call whose handler panicked.
    pub(super) fn panicked(&self, payload: Box<dyn Any + Send>) -> Status {
        let message = PanicError::message_of(&*payload);
        discard(payload);
        let kind = self.method.described.as_ref().map(|described| described.kind.to_string());
        tracing::error!(method = self.path(), kind, panic = message, "a gRPC handler panicked");
        Status::internal("the handler panicked")
    }
}

/// A server that is full still has to tell how it is, and a watch of that lasts.
fn is_health(path: &str) -> bool {
    let service = path.strip_prefix('/').and_then(|path| path.strip_prefix(health::NAME));
    service.is_some_and(|method| method.starts_with('/'))
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(longest) = &self.longest_poll {
            self.method.cost.measured(Duration::from_nanos(longest.load(Ordering::Relaxed)));
        }
        self.connection.worker.open.remove(self.entry);
        self.connection.call_ended();
    }
}

/// Drops what is user code; a panic in it is nobody's business any more.
pub(super) fn discard<T>(value: T) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        std::mem::forget(second);
    }
}

/// Wakes a call that has run out of time. Costs nothing until the call has to wait for something, and no
/// timer where there is no deadline.
#[derive(Default)]
pub(super) struct Alarm {
    off: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// The status of a call that has run out of time; if it has not yet, the task is woken when it has.
    pub(super) fn poll(&mut self, call: &Call, cx: &mut Context<'_>) -> Poll<Status> {
        let off = self.off.get_or_insert_with(|| {
            let called_off = &call.connection.worker.called_off;
            Box::pin(called_off.clone().cancelled_owned())
        });
        if off.as_mut().poll(cx).is_ready() {
            return Poll::Ready(call.call_off());
        }
        let Some(deadline) = call.deadline else { return Poll::Pending };
        let sleep = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(deadline.at)));
        sleep.as_mut().poll(cx).map(|()| deadline.exceeded())
    }
}

/// How far a call has come.
enum Stage {
    Refused(Status),
    Queued(Queued<HandlerFuture>),
    Handled(HandlerFuture),
    Answered,
}

/// The answer to a call, on its way.
pub(super) struct Answer {
    stage: Stage,
    turn: Option<Turn>,
    alarm: Alarm,
    call: Arc<Call>,
}

impl Answer {
    fn new(stage: Stage, call: Arc<Call>) -> Self {
        Self { stage, turn: None, alarm: Alarm::default(), call }
    }

    /// The status is the answer.
    pub(super) fn refused(status: Status, call: Arc<Call>) -> Self {
        Self::new(Stage::Refused(status), call)
    }

    /// The handler answers once it is the call's turn.
    pub(super) fn queued(queued: Queued<HandlerFuture>, call: Arc<Call>) -> Self {
        Self::new(Stage::Queued(queued), call)
    }

    /// The handler answers. Layers of users run already while it is made.
    pub(super) fn handled(handle: impl FnOnce() -> HandlerFuture, call: Arc<Call>) -> Self {
        match catch_unwind(AssertUnwindSafe(handle)) {
            Ok(handler) => Self::new(Stage::Handled(handler), call),
            Err(payload) => Self::refused(call.panicked(payload), call),
        }
    }

    fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<Response<Body>> {
        if let Stage::Queued(queued) = &mut self.stage {
            let Poll::Ready((handler, turn)) = queued.as_mut().poll(cx) else { return Poll::Pending };
            (self.stage, self.turn) = (Stage::Handled(handler), turn);
        }
        match &mut self.stage {
            Stage::Refused(status) => Poll::Ready(status.clone().into_http()),
            Stage::Handled(handler) => handler.as_mut().poll(cx).map(|Ok(response)| response),
            Stage::Queued(_) | Stage::Answered => Poll::Pending,
        }
    }
}

impl Future for Answer {
    type Output = Result<Response<CallBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if matches!(this.stage, Stage::Answered) {
            return Poll::Pending;
        }
        let call = Arc::clone(&this.call);
        let response = match call.run(|| this.poll_stage(cx)) {
            Ok(Poll::Ready(response)) => response,
            Ok(Poll::Pending) => match this.alarm.poll(&this.call, cx) {
                Poll::Ready(status) => status.into_http(),
                Poll::Pending => return Poll::Pending,
            },
            Err(panicked) => panicked.into_http(),
        };
        discard(std::mem::replace(&mut this.stage, Stage::Answered));
        let (alarm, turn) = (std::mem::take(&mut this.alarm), this.turn.take());
        Poll::Ready(Ok(response.map(|body| CallBody::new(body, call, alarm, turn))))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("call", &self.call).finish_non_exhaustive()
    }
}
