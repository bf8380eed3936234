//! A gRPC service from a closure.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use actix::{Actor, ActorFutureExt, Handler, ResponseActFuture, Supervised, WrapFuture};
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service as TowerService, ServiceExt};

use crate::base::BoxError;
use crate::grpc::register::registrar::{GrpcService, RegisterOnServer};
use crate::service::{Service, ServiceSpec, Setup};

type Making<S> = Pin<Box<dyn Future<Output = Result<S, BoxError>>>>;

/// A gRPC service made in set-up, by [`grpc_service_fn`].
pub struct GrpcServiceFn<S> {
    id: String,
    make: Box<dyn FnMut(Setup) -> Making<S> + Send>,
    descriptors: Vec<Vec<u8>>,
    /// Where calls find the service of the current life.
    current: Current<S>,
}

/// Makes a gRPC service of a closure that makes what tonic generated, in set-up, anew in every life. Calls reach it when its
/// set-up has succeeded. It is for [`Manager::grpc_service`](crate::Manager::grpc_service).
///
/// ```
/// use majordomo::ping::{Ping, PingServer};
/// use majordomo::{Manager, ManagerOptions, grpc_service_fn};
/// use tonic::{Request, Response, Status};
///
/// #[derive(Clone)]
/// struct Pong;
///
/// #[tonic::async_trait]
/// impl Ping for Pong {
///     async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
///         Ok(Response::new(()))
///     }
/// }
///
/// let options = ManagerOptions::new().grpc_ping_service(false).grpc_server_address("127.0.0.1:0");
/// let api = grpc_service_fn("api", |_setup| async { Ok(PingServer::new(Pong)) });
/// let manager = Manager::new(options).grpc_service(api);
/// ```
pub fn grpc_service_fn<F, Fut, S>(id: impl Into<String>, mut make: F) -> ServiceSpec<GrpcServiceFn<S>>
where
    F: FnMut(Setup) -> Fut + Send + 'static,
    Fut: Future<Output = Result<S, BoxError>> + 'static,
    S: TowerService<Request<Body>, Response = Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let id = id.into();
    let make = Box::new(move |setup| Box::pin(make(setup)) as Making<S>);
    ServiceSpec::local(id.clone(), move || GrpcServiceFn {
        id,
        make,
        descriptors: Vec::new(),
        current: Current(Arc::default()),
    })
}

impl<S: 'static> ServiceSpec<GrpcServiceFn<S>> {
    /// Has reflection serve what describes the service: an encoded `google.protobuf.FileDescriptorSet`, as prost writes it. What is
    /// none fails the registration, as with [`GrpcRegistrar::add_file_descriptor_set`](crate::GrpcRegistrar::add_file_descriptor_set).
    pub fn file_descriptor_set(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        let (make, bytes) = (self.make, bytes.into());
        self.make = Box::new(move || {
            let mut service = make();
            service.descriptors.push(bytes);
            service
        });
        self
    }
}

/// The service of the current life: what is registered once stays so. `None`: it has not been set up yet.
struct Current<S>(Arc<Mutex<Option<S>>>);

impl<S> Current<S> {
    fn set(&self, service: S) {
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(service);
        drop(before);
    }
}

impl<S> Clone for Current<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: NamedService> NamedService for Current<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> TowerService<Request<Body>> for Current<S>
where
    S: TowerService<Request<Body>, Response = Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match service {
            Some(service) => Box::pin(service.oneshot(request)),
            None => {
                let refusal = Status::unavailable(format!("{} is not set up yet: try again", S::NAME));
                Box::pin(std::future::ready(Ok(refusal.into_http())))
            }
        }
    }
}

/// What the types of services must be.
trait Tonic:
    TowerService<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + NamedService
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Tonic for S where
    S: TowerService<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static
{
}

impl<S: 'static> Actor for GrpcServiceFn<S> {
    type Context = actix::Context<Self>;
}

impl<S: 'static> Supervised for GrpcServiceFn<S> {}

impl<S> Unpin for GrpcServiceFn<S> {}

impl<S: Tonic> Service for GrpcServiceFn<S> {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl<S: Tonic> GrpcService for GrpcServiceFn<S> {}

impl<S: Tonic> Handler<RegisterOnServer> for GrpcServiceFn<S> {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Self::Context) -> Self::Result {
        for set in std::mem::take(&mut self.descriptors) {
            on.server.add_file_descriptor_set(set);
        }
        on.server.try_add_service(self.current.clone())?;
        Ok(())
    }
}

impl<S: Tonic> Handler<Setup> for GrpcServiceFn<S> {
    type Result = ResponseActFuture<Self, Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, _: &mut Self::Context) -> Self::Result {
        let making = (self.make)(setup);
        Box::pin(making.into_actor(self).map(|made, service, _| {
            service.current.set(made?);
            Ok(())
        }))
    }
}

impl<S> fmt::Debug for GrpcServiceFn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcServiceFn").field("id", &self.id).finish_non_exhaustive()
    }
}
