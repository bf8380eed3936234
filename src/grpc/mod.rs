//! stub
#![allow(missing_docs)]
use crate::{BoxError, Run, Setup, Shutdown, service::*};
use actix::prelude::*;
use std::net::SocketAddr;
pub const DEFAULT_GRPC_ADDRESS: &str = "0.0.0.0:50051";
pub(crate) const SERVER_ID: &str = "majordomo grpc";
pub trait GrpcService: Service + Handler<RegisterOnServer> {}
#[derive(Message)]
#[rtype(result = "Result<(), BoxError>")]
pub struct RegisterOnServer {
    pub server: GrpcRegistrar,
}
#[derive(Clone, Default)]
pub struct GrpcRegistrar;
#[derive(Clone, Default, Debug)]
pub struct GrpcServerOptions;
impl GrpcServerOptions {
    pub(crate) fn validate(&self) -> Result<(), crate::ConfigError> {
        Ok(())
    }
}
#[derive(Debug, Clone)]
pub(crate) struct ServerAddress(String);
impl ServerAddress {
    pub(crate) fn parse(s: &str) -> Result<Self, String> {
        Ok(Self(s.into()))
    }
}
pub(crate) struct Server(Option<Box<dyn FnOnce(SocketAddr) + Send>>);
impl Server {
    pub(crate) fn new(
        _: ServerAddress,
        _: GrpcServerOptions,
        _: GrpcRegistrar,
        f: Box<dyn FnOnce(SocketAddr) + Send>,
    ) -> Self {
        Self(Some(f))
    }
}
impl Actor for Server {
    type Context = Context<Self>;
}
impl Service for Server {
    fn id(&self) -> String {
        SERVER_ID.into()
    }
}
impl GenericService for Server {}
impl Handler<Setup> for Server {
    type Result = Result<(), BoxError>;
    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}
impl Handler<Shutdown> for Server {
    type Result = Result<(), BoxError>;
    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}
impl Handler<Run> for Server {
    type Result = ResponseFuture<Result<(), BoxError>>;
    fn handle(&mut self, r: Run, _: &mut Context<Self>) -> Self::Result {
        (self.0.take().unwrap())("127.0.0.1:1".parse().unwrap());
        Box::pin(async move {
            r.shutdown.requested().await;
            Ok(())
        })
    }
}
pub(crate) struct PingService;
impl Actor for PingService {
    type Context = Context<Self>;
}
impl Service for PingService {
    fn id(&self) -> String {
        "majordomo ping".into()
    }
}
impl GrpcService for PingService {}
impl Handler<Setup> for PingService {
    type Result = Result<(), BoxError>;
    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}
impl Handler<RegisterOnServer> for PingService {
    type Result = Result<(), BoxError>;
    fn handle(&mut self, _: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}
