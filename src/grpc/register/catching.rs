//! The panics of a handler, as answers that the layers of users around it see.
//!
//! ```text
//!   layers of users --call--> catching --> errors --> not found --> handler
//!                   <--INTERNAL, in headers or trailers--          panics
//! ```
//!
//! A call catches whatever unwinds out of it. Where layers are in between, a panic would unwind through them: one that counts answers
//! would miss it. So it is caught here first, and the call is told of it, which logs it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request};
use http_body::{Frame, SizeHint};
use hyper::body::Bytes;
use tonic::Status;
use tonic::body::Body;

use crate::base::{discard, drop_quietly};
use crate::grpc::call::caught_panic;
use crate::grpc::register::handler::{GrpcHandler, Handle, HandlerFuture};

impl GrpcHandler {
    /// The same handler, whose panics are answered INTERNAL.
    pub(crate) fn catching(self) -> Self {
        Self(Arc::new(Catching(self)))
    }
}

/// A handler whose panics are answers.
struct Catching(GrpcHandler);

impl Handle for Catching {
    fn call(&self, request: Request<Body>) -> HandlerFuture {
        match run(|| self.0.handle(request)) {
            Ok(answer) => Box::pin(CatchingFuture(Some(answer))),
            Err(status) => Box::pin(std::future::ready(Ok(status.into_http()))),
        }
    }

    fn local(&self) -> Arc<dyn Handle> {
        Arc::new(Self(self.0.local()))
    }
}

/// Runs code of a handler; `Err` is the status where that panicked.
fn run<T>(code: impl FnOnce() -> T) -> Result<T, Status> {
    catch_unwind(AssertUnwindSafe(code)).map_err(told)
}

/// The status of a panic, of which the call is told.
fn told(payload: Box<dyn Any + Send>) -> Status {
    caught_panic::set(&*payload);
    discard(payload);
    Status::internal(caught_panic::ANSWER)
}

/// The answer of a handler, on its way; `None`: it is over.
struct CatchingFuture(Option<HandlerFuture>);

impl CatchingFuture {
    fn let_go(&mut self) {
        if let Some(answer) = self.0.take() {
            drop_quietly(answer);
        }
    }
}

impl Drop for CatchingFuture {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Future for CatchingFuture {
    type Output = <HandlerFuture as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(answer) = &mut self.0 else { return Poll::Pending };
        let response = match run(|| answer.as_mut().poll(cx)) {
            Ok(polled) => {
                let Ok(response) = std::task::ready!(polled);
                response
            }
            Err(status) => status.into_http(),
        };
        self.let_go();
        let over = http_body::Body::is_end_stream(response.body());
        Poll::Ready(Ok(if over { response } else { response.map(caught) }))
    }
}

fn caught(body: Body) -> Body {
    Body::new(CatchingBody(Some(body)))
}

/// The body of its answer; `None`: it is over.
struct CatchingBody(Option<Body>);

impl CatchingBody {
    fn let_go(&mut self) {
        if let Some(body) = self.0.take() {
            drop_quietly(body);
        }
    }
}

impl Drop for CatchingBody {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl http_body::Body for CatchingBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        match run(|| Pin::new(body).poll_frame(cx)) {
            Ok(polled) => polled,
            Err(status) => {
                self.let_go();
                let mut trailers = HeaderMap::new();
                let told = status.add_header(&mut trailers);
                Poll::Ready(Some(told.map(|()| Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), http_body::Body::size_hint)
    }
}
