//! The layer around a client's channel.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::body::{RichBody, Side};
use super::details::Details;
use super::generator::ErrorGenerator;
use super::headers;

/// Adds a service's frame to the rich errors that its clients receive: see [`ErrorGenerator::client_layer`].
#[derive(Debug, Clone)]
pub struct ErrorClientLayer {
    generator: ErrorGenerator,
}

impl ErrorClientLayer {
    pub(super) fn new(generator: ErrorGenerator) -> Self {
        Self { generator }
    }
}

impl<S> Layer<S> for ErrorClientLayer {
    type Service = ErrorClient<S>;

    fn layer(&self, inner: S) -> ErrorClient<S> {
        ErrorClient { inner, layer: self.clone() }
    }
}

impl Side for ErrorClientLayer {
    fn change(&self, trailers: &mut HeaderMap) {
        if !headers::tell_an_error(trailers) {
            return;
        }
        if self.generator.withholds() {
            headers::mark_as_received(trailers);
        }
        let Some(mut details) = headers::details(trailers).as_deref().and_then(Details::decode) else {
            return;
        };
        details.error.trace.push(self.generator.frame());
        headers::put_details(trailers, &details.encode());
    }

    fn run<T>(&self, run: impl FnOnce() -> T) -> Result<T, HeaderMap> {
        Ok(run())
    }
}

/// What [`ErrorGenerator::client_layer`] makes of a channel.
#[derive(Debug, Clone)]
pub struct ErrorClient<S> {
    inner: S,
    layer: ErrorClientLayer,
}

impl<S, A, B> Service<Request<A>> for ErrorClient<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = Response<RichBody<B, ErrorClientLayer>>;
    type Error = S::Error;
    type Future = ErrorClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        ErrorClientFuture { answer: self.inner.call(request), layer: Some(self.layer.clone()) }
    }
}

pin_project! {
    /// An answer on its way to an [`ErrorClient`].
    pub struct ErrorClientFuture<F> {
        #[pin]
        answer: F,
        layer: Option<ErrorClientLayer>,
    }
}

impl<F, B, E> Future for ErrorClientFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<RichBody<B, ErrorClientLayer>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.answer.poll(cx))?;
        let layer = this.layer.take().expect("not polled after it is over");
        // An error before the first message comes with the headers.
        layer.change(response.headers_mut());
        Poll::Ready(Ok(response.map(|body| RichBody::new(body, layer))))
    }
}

impl<F> fmt::Debug for ErrorClientFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorClientFuture").finish_non_exhaustive()
    }
}

impl ErrorGenerator {
    /// A layer around the [channel](tonic::transport::Channel) of a client: rich errors get this service's frame added
    /// to their trace, so that services that pass them on are told in order.
    ///
    /// Details that cannot be read are taken off before tonic sees them, which panics at some; the status stays.
    ///
    /// ```no_run
    /// # async fn of() -> Result<(), Box<dyn std::error::Error>> {
    /// use majordomo::api_errors::{ApiError, ErrorGenerator};
    /// use majordomo::ping::PingClient;
    /// use tower::ServiceBuilder;
    ///
    /// let channel = tonic::transport::Channel::from_static("http://127.0.0.1:50051").connect().await?;
    /// let errors = ErrorGenerator::new("caller");
    /// let mut client = PingClient::new(ServiceBuilder::new().layer(errors.client_layer()).service(channel));
    /// if let Err(status) = client.ping(()).await {
    ///     println!("{:?}", ApiError::from_status(&status));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn client_layer(&self) -> ErrorClientLayer {
        ErrorClientLayer::new(self.clone())
    }
}
