//! The service that answers requests, whatever its type.

use std::future::Future;
use std::pin::Pin;

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
    fn handle(self: Box<Self>, request: Request<Body>) -> HandlerFuture;

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
    fn handle(self: Box<Self>, request: Request<Body>) -> HandlerFuture {
        let answer = self.0.oneshot(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => Ok(response.map(any_body)),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn another(&self) -> Box<dyn Handler> {
        Box::new(self.clone())
    }
}
