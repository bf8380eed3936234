//! A gRPC service that exists once, and how its calls are answered.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use http::uri::PathAndQuery;
use http::{Request, Response};
use majordomo::grpc::health::{HealthCheckRequest, HealthClient, ServingStatus};
use majordomo::ping::{Ping, PingServer};
use majordomo::{GrpcServiceFn, ServiceSpec, Setup, grpc_service_fn};
use tokio::runtime::{Builder, Runtime};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tower::Service;

/// The id of the service.
pub const ID: &str = "locked";
/// Its name on the wire.
const NAME: &str = "test.Locked";

#[derive(Clone)]
pub struct Pong;

#[tonic::async_trait]
impl Ping for Pong {
    async fn ping(&self, _: tonic::Request<()>) -> Result<tonic::Response<()>, Status> {
        Ok(tonic::Response::new(()))
    }
}

/// Ping by another name.
#[derive(Clone)]
pub struct Locked(PingServer<Pong>);

impl NamedService for Locked {
    const NAME: &'static str = NAME;
}

impl Service<Request<Body>> for Locked {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = <PingServer<Pong> as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        *request.uri_mut() = "/pkping.Ping/Ping".parse().unwrap();
        self.0.call(request)
    }
}

pub fn service() -> ServiceSpec<GrpcServiceFn<Locked>> {
    grpc_service_fn(ID, |_: Setup| async { Ok(Locked(PingServer::new(Pong))) }).after_handover()
}

/// One who calls it, over one connection.
pub struct Caller {
    runtime: Runtime,
    channel: Channel,
}

impl Caller {
    pub fn connect(address: SocketAddr) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = runtime.block_on(endpoint.connect()).unwrap();
        Self { runtime, channel }
    }

    pub fn call(&self) -> Result<(), (Code, String)> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        let answer = self.runtime.block_on(async {
            client.ready().await.unwrap();
            let path = PathAndQuery::from_static("/test.Locked/Ping");
            client.unary(tonic::Request::new(()), path, ProstCodec::<(), ()>::default()).await
        });
        answer.map(|_| ()).map_err(|status| (status.code(), status.message().to_owned()))
    }

    /// Of all, of the service, and of its name on the wire.
    pub fn health(&self) -> [ServingStatus; 3] {
        ["", ID, NAME].map(|name| {
            let request = HealthCheckRequest { service: name.to_owned() };
            let mut client = HealthClient::new(self.channel.clone());
            self.runtime.block_on(client.check(request)).unwrap().into_inner().status()
        })
    }
}
