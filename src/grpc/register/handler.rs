//! Whatever answers calls, as one type: a service that tonic generated, alone or with layers around it.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, TryLockError};
use std::task::{Context, Poll, Waker};

use axum_core::response::IntoResponse;
use http::{Request, Response};
use hyper::body::Bytes;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::base::BoxError;
use crate::base::downcast;

/// What answers a call: a gRPC service, or middleware around it. This is what [`tower::Layer`]s of users are put
/// around. It is always ready, and cloning it is cheap.
#[derive(Clone)]
pub struct GrpcHandler(pub(super) Arc<dyn Handle>);

/// The answer of a [`GrpcHandler`], on its way.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// A service whose type is not known any more.
pub(super) trait Handle: Send + Sync {
    fn call(&self, request: Request<Body>) -> HandlerFuture;

    /// The same for callers that are mostly on one thread.
    fn local(&self) -> Arc<dyn Handle>;
}

impl GrpcHandler {
    /// A service as tonic generates it.
    pub(crate) fn of_service<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        Self(Arc::new(Shared::<_, Generated>::new(service)))
    }

    /// A service with layers around it.
    pub(crate) fn of_layered<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Arc::new(Shared::<_, Layered>::new(service)))
    }

    /// The same handler for callers that are mostly on one thread. Services hold what they share by reference counts,
    /// which threads that count at the same time are slow at: so this one clones its service just once.
    pub(crate) fn local(&self) -> Self {
        Self(self.0.local())
    }

    /// Begins to answer.
    pub(crate) fn handle(&self, request: Request<Body>) -> HandlerFuture {
        self.0.call(request)
    }
}

impl fmt::Debug for GrpcHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcHandler").finish_non_exhaustive()
    }
}

/// How a service of some type is called.
trait Calling<S>: Send + Sync + 'static {
    /// Calls a service that is ready.
    fn now(service: &mut S, request: Request<Body>) -> HandlerFuture;

    /// Calls it once it is.
    fn later(service: S, request: Request<Body>) -> HandlerFuture;
}

/// A service that anybody may call: each call has a clone.
struct Shared<S, C>(S, PhantomData<fn() -> C>);

/// A service that is mostly called by one thread. While that is in it, layers of users included, nobody else waits for
/// it: others call a clone.
struct Local<S, C> {
    own: Mutex<S>,
    others: Shared<S, C>,
}

impl<S, C> Shared<S, C> {
    fn new(service: S) -> Self {
        Self(service, PhantomData)
    }
}

impl<S, C> Handle for Shared<S, C>
where
    S: Service<Request<Body>> + Clone + Send + Sync + 'static,
    C: Calling<S>,
{
    fn call(&self, request: Request<Body>) -> HandlerFuture {
        let mut service = self.0.clone();
        if is_ready(&mut service) { C::now(&mut service, request) } else { C::later(service, request) }
    }

    fn local(&self) -> Arc<dyn Handle> {
        Arc::new(Local::<S, C> { own: Mutex::new(self.0.clone()), others: Shared::new(self.0.clone()) })
    }
}

impl<S, C> Handle for Local<S, C>
where
    S: Service<Request<Body>> + Clone + Send + Sync + 'static,
    C: Calling<S>,
{
    fn call(&self, request: Request<Body>) -> HandlerFuture {
        let mut service = match self.own.try_lock() {
            Ok(service) => service,
            // A call that panicked is over, and the service is as it left it.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.others.call(request),
        };
        if is_ready(&mut *service) {
            C::now(&mut service, request)
        } else {
            // The very one that was asked: it may have its place in a queue.
            let next = service.clone();
            C::later(std::mem::replace(&mut *service, next), request)
        }
    }

    fn local(&self) -> Arc<dyn Handle> {
        self.others.local()
    }
}

/// As services that tonic generated are called.
struct Generated;

impl<S> Calling<S> for Generated
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    fn now(service: &mut S, request: Request<Body>) -> HandlerFuture {
        // What tonic generates answers so already.
        downcast::<_, HandlerFuture>(service.call(request))
            .unwrap_or_else(|answer| Box::pin(async move { Ok(generic(answer.await)) }))
    }

    fn later(mut service: S, request: Request<Body>) -> HandlerFuture {
        Box::pin(async move {
            match poll_fn(|cx| service.poll_ready(cx)).await {
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

/// As layers of users are.
struct Layered;

impl<S, B> Calling<S> for Layered
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // Called at once, so that what a layer does there comes in the order of arrival.
    fn now(service: &mut S, request: Request<Body>) -> HandlerFuture {
        let answer = service.call(request);
        Box::pin(async move { Ok(layered(answer.await.map_err(Into::into))) })
    }

    fn later(mut service: S, request: Request<Body>) -> HandlerFuture {
        Box::pin(async move {
            let ready = poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into);
            Ok(match ready {
                Ok(()) => layered(service.call(request).await.map_err(Into::into)),
                Err(error) => layered::<B>(Err(error)),
            })
        })
    }
}

fn layered<B>(answer: Result<Response<B>, BoxError>) -> Response<Body>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    match answer {
        Ok(response) => response.map(Body::new),
        Err(error) => Status::from_error(error).into_http(),
    }
}

/// Whether it is ready right now; one that is not is asked again by whoever waits for it.
fn is_ready<S: Service<Request<Body>>>(service: &mut S) -> bool {
    matches!(service.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::builtin::ping::{Ping, PingServer};
    use std::sync::Barrier;
    use std::time::Duration;
    use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
    use tokio_util::sync::PollSemaphore;

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
        assert!(downcast::<_, HandlerFuture>(answer).is_ok());
        assert_eq!(downcast::<_, u8>("no number"), Err("no number"));
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

    /// One call at a time.
    struct Limited {
        places: PollSemaphore,
        place: Option<OwnedSemaphorePermit>,
        go: Arc<Notify>,
    }

    impl Clone for Limited {
        fn clone(&self) -> Self {
            Self { places: self.places.clone(), place: None, go: Arc::clone(&self.go) }
        }
    }

    impl Service<Request<Body>> for Limited {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = HandlerFuture;
        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            if self.place.is_none() {
                self.place = std::task::ready!(self.places.poll_acquire(cx));
            }
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<Body>) -> HandlerFuture {
            let (place, go) = (self.place.take(), Arc::clone(&self.go));
            Box::pin(async move {
                let _place = place.expect("it was ready");
                go.notified().await;
                Ok(Response::new(Body::empty()))
            })
        }
    }

    #[tokio::test]
    async fn a_call_that_waits_for_its_service_gets_its_place_in_the_queue() {
        let go = Arc::<Notify>::default();
        let places = PollSemaphore::new(Arc::new(Semaphore::new(1)));
        let service = Limited { places, place: None, go: Arc::clone(&go) };
        let shared = GrpcHandler::of_service(service);
        for handler in [shared.clone(), shared.local(), shared.local().local()] {
            let answers = [(); 3].map(|()| handler.handle(Request::new(Body::empty())));
            go.notify_one();
            for answer in answers {
                tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap().unwrap();
                go.notify_one();
            }
            go.notified().await;
        }
    }

    /// Is called for as long as another call of it is not.
    #[derive(Clone)]
    struct Together(Arc<Barrier>);

    impl Service<Request<Body>> for Together {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = HandlerFuture;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<Body>) -> HandlerFuture {
            self.0.wait();
            Box::pin(std::future::ready(Ok(Response::new(Body::empty()))))
        }
    }

    #[test]
    fn threads_do_not_wait_for_each_other_in_a_service_or_its_layers() {
        let handler = GrpcHandler::of_service(Together(Arc::new(Barrier::new(2)))).local();
        let (done, both) = std::sync::mpsc::channel();
        for _ in 0..2 {
            let (handler, done) = (handler.clone(), done.clone());
            std::thread::spawn(move || {
                drop(handler.handle(Request::new(Body::empty())));
                done.send(()).unwrap();
            });
        }
        for _ in 0..2 {
            both.recv_timeout(Duration::from_secs(10)).expect("one waits for the other");
        }
    }
}
