//! The ping service: tells whether a gRPC server takes requests. On the wire it is `pkping.Ping/Ping`.
//!
//! A manager serves it by itself unless it is told not to; then a service may serve one of its own.

use actix::{Actor, Context, Handler};
use tonic::{Request, Response, Status};

use crate::base::BoxError;
use crate::grpc::builtin::ids::PING_ID;
use crate::grpc::register::registrar::{GrpcRegistrar, GrpcService, RegisterOnServer};
use crate::service::{Service, Setup};

pub use generated::ping_client::PingClient;
pub use generated::ping_server::{Ping, PingServer};

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod generated {
    include!("../../generated/pkping.rs");
}

/// What describes the ping service to reflection: an encoded `google.protobuf.FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("../../generated/pkping.bin");

/// The ping service that a manager brings along.
#[derive(Debug, Default)]
pub(crate) struct PingService;

impl PingService {
    pub(crate) fn register(&self, server: &GrpcRegistrar) {
        server.add_service(PingServer::new(Pong));
        server.add_file_descriptor_set(FILE_DESCRIPTOR_SET);
    }
}

impl Actor for PingService {
    type Context = Context<Self>;
}

impl Service for PingService {
    fn id(&self) -> String {
        PING_ID.to_owned()
    }
}

impl Handler<Setup> for PingService {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<RegisterOnServer> for PingService {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        self.register(&on.server);
        Ok(())
    }
}

impl GrpcService for PingService {}

/// Answers on the server's own threads: asking the actor would tell of the actor's thread instead.
struct Pong;

#[tonic::async_trait]
impl Ping for Pong {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}
