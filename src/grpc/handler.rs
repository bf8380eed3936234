//! Whatever answers calls, as one type: a service that tonic generated, alone or with layers around it.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum_core::response::IntoResponse;
use http::{Request, Response};
use hyper::body::Bytes;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::error::BoxError;

/// What answers a call: a gRPC service, or middleware around it. This is what [`tower::Layer`]s of users are put
/// around. It is always ready, and cloning it is cheap.
#[derive(Clone)]
pub struct GrpcHandler(Arc<dyn Handle>);

/// The answer of a [`GrpcHandler`], on its way.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// A service whose type is not known any more.
trait Handle: Send + Sync {
    fn call(&self, request: Request<Body>) -> HandlerFuture;
}

impl GrpcHandler {
    /// A service as tonic generates it.
    pub(super) fn of_service<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        Self(Arc::new(Generated(service)))
    }

    /// A service with layers around it.
    pub(super) fn of_layered<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Arc::new(Layered(service)))
    }

    /// Begins to answer.
    pub(super) fn handle(&self, request: Request<Body>) -> HandlerFuture {
        self.0.call(request)
    }
}

impl fmt::Debug for GrpcHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcHandler").finish_non_exhaustive()
    }
}

struct Generated<S>(S);

impl<S> Handle for Generated<S>
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    fn call(&self, request: Request<Body>) -> HandlerFuture {
        let mut service = self.0.clone();
        if is_ready(&mut service) {
            let answer = service.call(request);
            // What tonic generates answers so already.
            return same::<_, HandlerFuture>(answer)
                .unwrap_or_else(|answer| Box::pin(async move { Ok(generic(answer.await)) }));
        }
        Box::pin(async move {
            let ready = poll_fn(|cx| service.poll_ready(cx)).await;
            match ready {
                Ok(()) => Ok(generic(service.call(request).await)),
                Err(never) => match never {},
            }
        })
    }
}

fn generic<R: IntoResponse>(answer: Result<R, Infallible>) -> Response<Body> {
    match answer {
        Ok(response) => response.into_response().map(Body::new),
        Err(never) => match never {},
    }
}

struct Layered<S>(S);

impl<S, B> Handle for Layered<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn call(&self, request: Request<Body>) -> HandlerFuture {
        let mut service = self.0.clone();
        // Called at once where that is possible, so that what a layer does there comes in the order of arrival.
        let answer = if is_ready(&mut service) { Ok(service.call(request)) } else { Err(request) };
        Box::pin(async move {
            let answered = match answer {
                Ok(answer) => answer.await.map_err(Into::into),
                Err(request) => match poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into) {
                    Ok(()) => service.call(request).await.map_err(Into::into),
                    Err(error) => Err(error),
                },
            };
            Ok(match answered {
                Ok(response) => response.map(Body::new),
                Err(error) => Status::from_error(error).into_http(),
            })
        })
    }
}

/// Whether it is ready right now; one that is not is asked again by whoever waits for it.
fn is_ready<S: Service<Request<Body>>>(service: &mut S) -> bool {
    matches!(service.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())))
}

/// The value as what it is, if it is that.
fn same<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let mut value = Some(value);
    match (&mut value as &mut dyn Any).downcast_mut::<Option<B>>().and_then(Option::take) {
        Some(same) => Ok(same),
        None => Err(value.take().unwrap_or_else(|| unreachable!("only taken where it was the same"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ping::{Ping, PingServer};

    struct Mine;

    #[tonic::async_trait]
    impl Ping for Mine {
        async fn ping(&self, _: tonic::Request<()>) -> Result<tonic::Response<()>, Status> {
            Ok(tonic::Response::new(()))
        }
    }

    #[test]
    fn what_tonic_generates_is_not_boxed_again() {
        let answer = PingServer::new(Mine).call(Request::new(Body::empty()));
        assert!(same::<_, HandlerFuture>(answer).is_ok());
        assert_eq!(same::<_, u8>("no number"), Err("no number"));
    }

    #[tokio::test]
    async fn an_error_of_a_layer_is_a_status() {
        #[derive(Clone)]
        struct Broken(bool);
        impl Service<Request<Body>> for Broken {
            type Response = Response<Body>;
            type Error = BoxError;
            type Future = std::future::Ready<Result<Response<Body>, BoxError>>;
            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
                Poll::Ready(if self.0 { Err("not ready".into()) } else { Ok(()) })
            }
            fn call(&mut self, _: Request<Body>) -> Self::Future {
                std::future::ready(Err(Box::new(Status::data_loss("lost"))))
            }
        }
        for (unready, message) in [(true, "not ready"), (false, "lost")] {
            let handler = GrpcHandler::of_layered(Broken(unready));
            let response = handler.handle(Request::new(Body::empty())).await.unwrap();
            let status = Status::from_header_map(response.headers()).unwrap();
            assert_eq!(status.message(), message);
        }
    }
}
