//! One call: counted, ended before the deadline, its panics caught.
//!
//! ```text
//!   request --> Answer --handler answers-----> CallBody --last byte sent--> over
//!                 |  |                           |  |
//!                 |  +-- called off: UNAVAILABLE-|--+      (headers alone, or trailers after what was sent)
//!                 +----- panics: INTERNAL -------+
//! ```

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;

use http::uri::PathAndQuery;
use http::{Response, Uri};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tonic::body::Body;

use super::body::CallBody;
use super::connection::Connection;
use super::drain::OldestCall;
use crate::error::PanicError;

/// A call that is open, until the last of its answer has gone to the socket: everything of it holds one.
#[derive(Debug)]
pub(super) struct Call {
    connection: Arc<Connection>,
    path: Option<PathAndQuery>,
    began: Instant,
}

impl Call {
    pub(super) fn new(connection: Arc<Connection>, uri: &Uri) -> Arc<Self> {
        connection.call_began();
        Arc::new(Self { connection, path: uri.path_and_query().cloned(), began: Instant::now() })
    }

    fn method(&self) -> &str {
        self.path.as_ref().map_or("", PathAndQuery::path)
    }

    /// Whether calls that are still open are to be answered UNAVAILABLE.
    pub(super) fn is_off(&self) -> bool {
        self.connection.worker.off.load(Ordering::Relaxed)
    }

    /// The status of a call that is not waited for any longer, which it counts.
    pub(super) fn call_off(&self) -> Status {
        let oldest = OldestCall { method: self.method().to_owned(), age: self.began.elapsed() };
        self.connection.worker.count_unavailable(oldest);
        Status::unavailable("server is shutting down")
    }

    /// The status of a call whose handler panicked.
    pub(super) fn panicked(&self, payload: Box<dyn Any + Send>) -> Status {
        let message = PanicError::message_of(&*payload);
        discard(payload);
        tracing::error!(method = self.method(), panic = message, "a gRPC handler panicked");
        Status::internal("the handler panicked")
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.connection.call_ended();
    }
}

/// Drops what is user code; a panic in it is nobody's business any more.
pub(super) fn discard<T>(value: T) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        std::mem::forget(second);
    }
}

/// Wakes a call when it is called off. Costs nothing until the call has to wait for something.
#[derive(Default)]
pub(super) struct CallOff(Option<Pin<Box<WaitForCancellationFutureOwned>>>);

impl CallOff {
    /// Whether the call is off; if it is not yet, the task is woken when it is.
    pub(super) fn poll(&mut self, call: &Call, cx: &mut Context<'_>) -> bool {
        let waiting = self.0.get_or_insert_with(|| {
            let called_off = &call.connection.worker.called_off;
            Box::pin(called_off.clone().cancelled_owned())
        });
        waiting.as_mut().poll(cx).is_ready()
    }
}

/// The answer to a call, on its way.
pub(super) struct Answer<F> {
    /// `None` once it has answered.
    handler: Option<F>,
    off: CallOff,
    call: Arc<Call>,
}

impl<F> Answer<F> {
    pub(super) fn new(handler: F, call: Arc<Call>) -> Self {
        Self { handler: Some(handler), off: CallOff::default(), call }
    }
}

impl<F> Future for Answer<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = Result<Response<CallBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(handler) = &mut this.handler else { return Poll::Pending };
        let response = match catch_unwind(AssertUnwindSafe(|| Pin::new(handler).poll(cx))) {
            Ok(Poll::Ready(Ok(response))) => response,
            Ok(Poll::Ready(Err(never))) => match never {},
            Ok(Poll::Pending) if !this.off.poll(&this.call, cx) => return Poll::Pending,
            Ok(Poll::Pending) => this.call.call_off().into_http(),
            Err(payload) => this.call.panicked(payload).into_http(),
        };
        discard(this.handler.take());
        let call = Arc::clone(&this.call);
        Poll::Ready(Ok(response.map(|body| CallBody::new(body, call))))
    }
}

impl<F> fmt::Debug for Answer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("call", &self.call).finish_non_exhaustive()
    }
}
