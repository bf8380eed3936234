//! The service that answers requests, whatever its type.

use std::future::Future;
use std::pin::Pin;

use futures_util::TryFutureExt;
use http::{Request, Response};
use hyper::body::Bytes;
use tower::{Service, ServiceExt};

use crate::base::BoxError;
use crate::http::any_body::{AnyBody, any_body};
use crate::http::body::Body;
use crate::service::Setup;

/// The answer of a service, on its way.
pub(crate) type HandlerFuture = Pin<Box<dyn Future<Output = Result<Response<AnyBody>, BoxError>> + Send>>;

/// Makes the service of a life.
pub(crate) type MakeHandler =
    Box<dyn FnMut(Setup) -> Pin<Box<dyn Future<Output = Result<Box<dyn Handler>, BoxError>>>> + Send>;

/// A service that answers requests.
pub(crate) trait Handler: Send {
    /// Nothing of the user's runs before the first poll, but for the clone of its service.
    fn handle(&self, request: Request<Body>) -> HandlerFuture;

    /// Another that answers as this one does.
    fn another(&self) -> Box<dyn Handler>;
}

/// One of a user's.
#[derive(Clone)]
pub(crate) struct Tower<S>(pub(crate) S);

impl<S, B> Handler for Tower<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn handle(&self, request: Request<Body>) -> HandlerFuture {
        let answer = self.0.clone().oneshot(request);
        // No block of `async`: that would have room for all of this twice.
        Box::pin(answer.map_ok(|response| response.map(any_body)).map_err(Into::into))
    }

    fn another(&self) -> Box<dyn Handler> {
        Box::new(self.clone())
    }
}
