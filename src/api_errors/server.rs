//! The layer around a server's handlers.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use tonic::Status;
use tower::{Layer, Service};

use super::body::{RichBody, Side};
use super::generator::ErrorGenerator;
use super::headers;
use super::panic::Panicked;
use crate::base::{PanicError, TraceContext, TraceId};

/// Makes every error of handlers a rich one: see [`ErrorGenerator::server_layer`].
#[derive(Debug, Clone)]
pub struct ErrorServerLayer {
    generator: ErrorGenerator,
    seen: fn(&(dyn Any + Send)) -> PanicError,
}

impl ErrorServerLayer {
    pub(super) fn new(generator: ErrorGenerator) -> Self {
        Self { generator, seen: PanicError::unseen }
    }

    /// Asks for each panic that it catches what is known of it.
    pub(crate) fn ask(self, seen: fn(&(dyn Any + Send)) -> PanicError) -> Self {
        Self { seen, ..self }
    }

    /// The status of a handler that panicked.
    fn panicked(&self, payload: Box<dyn Any + Send>, trace: Option<TraceId>) -> Status {
        let seen = (self.seen)(&*payload);
        self.generator.panicked(Panicked::new(payload), &seen, trace)
    }

    /// Runs code of a handler, for a call of that trace. What seldom comes of it is kept small.
    fn run<T>(&self, trace: Option<TraceId>, run: impl FnOnce() -> T) -> Result<T, Box<Status>> {
        catch_unwind(AssertUnwindSafe(run)).map_err(|payload| Box::new(self.panicked(payload, trace)))
    }

    /// Puts what callers are told in place of a status.
    fn put(&self, headers: &mut HeaderMap, status: Status, trace: Option<TraceId>) -> Status {
        let metadata = status.metadata().clone();
        let status = self.generator.enrich(status, trace);
        headers::take_off_metadata(headers, &metadata, status.metadata());
        headers::put(headers, &status);
        status
    }

    /// The answer of a handler, with a rich error if it is one.
    fn answer<B>(self: Arc<Self>, mut response: Response<B>, trace: Option<TraceId>) -> RichResponse<B> {
        if !headers::tell_an_error(response.headers()) {
            return response.map(|body| RichBody::new(body, Shared(self, trace)));
        }
        // With what tonic tells only within the process: its source.
        let whole = response.extensions_mut().remove::<Status>();
        let Some(status) = whole.or_else(|| headers::status(response.headers_mut())) else {
            return response.map(|body| RichBody::new(body, Shared(self, trace)));
        };
        let status = self.put(response.headers_mut(), status, trace);
        response.extensions_mut().insert(status);
        response.map(|_| RichBody::empty(Shared(self, trace)))
    }
}

/// An answer with a rich error at its end, if it is an error.
type RichResponse<B> = Response<RichBody<B, Shared>>;

/// Each service counts those that use the layer by itself: threads that count together wait for each other. Beside it the trace of
/// the call.
#[derive(Debug, Clone)]
pub struct Shared(Arc<ErrorServerLayer>, Option<TraceId>);

impl Side for Shared {
    fn change(&self, trailers: &mut HeaderMap) {
        if headers::tell_an_error(trailers)
            && let Some(status) = headers::status(trailers)
        {
            self.0.put(trailers, status, self.1);
        }
    }

    fn run<T>(&self, run: impl FnOnce() -> T) -> Result<T, HeaderMap> {
        self.0.run(self.1, run).map_err(|status| {
            let mut trailers = HeaderMap::new();
            headers::put(&mut trailers, &status);
            trailers
        })
    }
}

impl<S> Layer<S> for ErrorServerLayer {
    type Service = ErrorServer<S>;

    fn layer(&self, inner: S) -> ErrorServer<S> {
        ErrorServer { inner, layer: Arc::new(self.clone()) }
    }
}

/// What [`ErrorGenerator::server_layer`] makes of a service.
#[derive(Debug)]
pub struct ErrorServer<S> {
    inner: S,
    layer: Arc<ErrorServerLayer>,
}

impl<S: Clone> Clone for ErrorServer<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: Arc::new((*self.layer).clone()) }
    }
}

impl<S, A, B> Service<Request<A>> for ErrorServer<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = RichResponse<B>;
    type Error = S::Error;
    type Future = ErrorServerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let layer = Arc::clone(&self.layer);
        let trace = TraceContext::of(request.headers()).and_then(|trace| trace.id());
        let called = layer.run(trace, || self.inner.call(request));
        let (answer, panicked) = match called {
            Ok(answer) => (Some(answer), None),
            Err(panicked) => (None, Some(panicked)),
        };
        ErrorServerFuture { answer, panicked, trace, layer: Some(layer) }
    }
}

pin_project! {
    /// An answer of an [`ErrorServer`] on its way.
    pub struct ErrorServerFuture<F> {
        // `None`: it panicked before it had begun.
        #[pin]
        answer: Option<F>,
        // Small, since it is moved with every call, and there seldom is one.
        panicked: Option<Box<Status>>,
        trace: Option<TraceId>,
        layer: Option<Arc<ErrorServerLayer>>,
    }
}

impl<F, B, E> Future for ErrorServerFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<RichResponse<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let trace = *this.trace;
        let layer = this.layer.as_ref().expect("not polled after it is over");
        let polled = match (this.answer.as_mut().as_pin_mut(), this.panicked.take()) {
            (Some(answer), _) => layer.run(trace, || answer.poll(cx)),
            (None, panicked) => {
                Err(panicked.unwrap_or_else(|| Box::new(Status::internal("polled after it was over"))))
            }
        };
        let polled = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(polled)) => Ok(polled?),
            Err(panicked) => {
                // Its drop may panic as well, and then for nobody.
                let _ = layer.run(trace, || this.answer.set(None));
                Err(panicked)
            }
        };
        let layer = this.layer.take().expect("it was there just now");
        Poll::Ready(Ok(match polled {
            Ok(response) => layer.answer(response, trace),
            Err(panicked) => panicked.into_http::<()>().map(|()| RichBody::empty(Shared(layer, trace))),
        }))
    }
}

impl<F> fmt::Debug for ErrorServerFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorServerFuture").finish_non_exhaustive()
    }
}

impl ErrorGenerator {
    /// A layer around the handlers of a server: whatever error or panic they end by is answered as a rich error, in the
    /// middle of a stream, too. A manager has it by
    /// [`ManagerOptions::error_generator`](crate::ManagerOptions::error_generator); `tonic::transport::Server::layer`
    /// takes it as well.
    ///
    /// A status that tells no rich error becomes [`ERR_UNKNOWN`](super::ERR_UNKNOWN) with its own code, message, details and metadata. A
    /// panic is told as what it was panicked with where that is a rich error, a sentinel, a status or a
    /// `Box<dyn Error + Send + Sync>`, and otherwise by its text or number.
    ///
    /// Where the call has a valid `traceparent` (W3C Trace Context), the error tells its [trace](super::ApiError::trace_id).
    pub fn server_layer(&self) -> ErrorServerLayer {
        ErrorServerLayer::new(self.clone())
    }
}
