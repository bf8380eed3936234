//! A gRPC service with two resources, from start to end: starts the manager, waits until it serves, pings
//! it over a real connection, and shuts it down.
//!
//! ```text
//! cargo run --example 01_ping              # on a free port of this machine
//! cargo run --example 01_ping -- ADDRESS   # such as 127.0.0.1:50051
//! ```

mod printer;

use std::time::Duration;

use actix::prelude::*;
use majordomo::clients::wait_for_grpc_server;
use majordomo::ping::{Ping, PingClient, PingServer};
use majordomo::{
    BoxError, Exit, GetStatus, GrpcService, Manager, ManagerOptions, RegisterOnServer, Service, Setup,
    StartShutdown, WaitForShutdown, WaitUntilRunning, resource_fn,
};
use printer::say;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// The service: an actor that counts the pings it gets.
#[derive(Default)]
struct Example {
    pings: u64,
}

impl Actor for Example {
    type Context = Context<Self>;
}

impl Service for Example {
    fn id(&self) -> String {
        "ExampleService".into()
    }
}

impl Handler<Setup> for Example {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        for name in ["Resource 1", "Resource 2"] {
            say(format!("{name} starting"));
            let release = move || async move {
                say(format!("{name} released"));
                Ok(())
            };
            setup.resources.start(name, resource_fn(release))?;
        }
        // When this returns Ok, the service may run.
        Ok(())
    }
}

impl Handler<RegisterOnServer> for Example {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, ctx: &mut Context<Self>) -> Self::Result {
        on.server.add_service(PingServer::new(Rpc(ctx.address())));
        Ok(())
    }
}

impl GrpcService for Example {}

/// What the actor is told of each ping; answered with their number.
#[derive(Message)]
#[rtype(u64)]
struct Pinged;

impl Handler<Pinged> for Example {
    type Result = u64;

    fn handle(&mut self, _: Pinged, _: &mut Context<Self>) -> u64 {
        say("PING RECEIVED!");
        self.pings += 1;
        self.pings
    }
}

/// The calls: each is a message to the actor.
struct Rpc(Addr<Example>);

#[tonic::async_trait]
impl Ping for Rpc {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        self.0.send(Pinged).await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(Response::new(()))
    }
}

/// The manager, not yet started.
pub(crate) fn manager(address: &str) -> Manager {
    // The service answers pings itself, so the built-in ping service is not needed.
    let options = ManagerOptions::new().grpc_server_address(address).grpc_ping_service(false);
    Manager::new(options).grpc_service(Example::default())
}

#[actix::main]
async fn main() -> Exit {
    let result = run().await;
    printer::finish();
    // Its exit code tells what failed.
    result.into()
}

async fn run() -> Result<(), BoxError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let manager = manager(&address).start();

    // If it can't start, this says why.
    manager.send(WaitUntilRunning).await??;
    let address = manager.send(GetStatus).await?.grpc_address.ok_or("no gRPC server runs")?;

    let channel = Channel::from_shared(format!("http://{address}"))?.connect_lazy();
    wait_for_grpc_server(channel.clone(), Duration::from_secs(3)).await?;
    PingClient::new(channel).ping(()).await?;

    manager.do_send(StartShutdown);
    manager.send(WaitForShutdown).await??;
    Ok(())
}
