//! A manager with a gRPC server, and its clients.

use actix::prelude::*;
use majordomo::{GrpcRegistrar, GrpcService, ManagerOptions, RegisterOnServer, Service, Setup};
use tonic::transport::{Channel, Endpoint};

use super::{Answer, Observed, options, within};

/// A gRPC service without a main loop, which registers so.
pub struct Registers {
    id: &'static str,
    register: Box<dyn Fn(&GrpcRegistrar) + Send>,
}

impl Registers {
    pub fn new(id: &'static str, register: impl Fn(&GrpcRegistrar) + Send + 'static) -> Self {
        Self { id, register: Box::new(register) }
    }
}

impl Actor for Registers {
    type Context = Context<Self>;
}

impl Service for Registers {
    fn id(&self) -> String {
        self.id.to_owned()
    }
}

impl Handler<Setup> for Registers {
    type Result = Answer;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Answer {
        Ok(())
    }
}

impl Handler<RegisterOnServer> for Registers {
    type Result = Answer;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Answer {
        (self.register)(&on.server);
        Ok(())
    }
}

impl GrpcService for Registers {}

/// Options with a gRPC server that answers pings, on a port of its own.
pub fn serving() -> ManagerOptions {
    options().grpc_ping_service(true).grpc_server_address("127.0.0.1:0")
}

/// Waits until all run, and connects.
pub async fn connect(observed: &Observed) -> Channel {
    observed.running().await;
    reconnect(observed).await
}

/// Connects, once it serves.
pub async fn reconnect(observed: &Observed) -> Channel {
    let address = observed.status().await.grpc_address.expect("the server serves");
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address is a URI");
    within("the connection", endpoint.connect()).await.expect("the server accepts connections")
}
