//! The managed server, whole.

use actix::prelude::*;
use majordomo::{
    BoxError, GetStatus, GrpcServerOptions, GrpcService, Manager, ManagerOptions, RegisterOnServer, Service,
    Setup, WaitForShutdown, WaitUntilRunning,
};

use super::{ANY_PORT, Served, WORKERS, announce};
use crate::grpc::service::{BenchServer, Echoes};

struct Registers;

impl Actor for Registers {
    type Context = Context<Self>;
}

impl Service for Registers {
    fn id(&self) -> String {
        "bench".to_owned()
    }
}

impl Handler<Setup> for Registers {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<RegisterOnServer> for Registers {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        on.server.add_service(BenchServer::new(Echoes));
        Ok(())
    }
}

impl GrpcService for Registers {}

pub(super) fn serve() -> Served {
    // Its writer is a sink: what is written at info is paid for, not where it goes.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
        .with_writer(std::io::sink)
        .init();
    System::new().block_on(async {
        let options = ManagerOptions::new()
            .grpc_server_address(ANY_PORT.to_string())
            .grpc_server(GrpcServerOptions::new().workers(WORKERS));
        let manager = Manager::new(options).grpc_service(Registers).start();
        manager.send(WaitUntilRunning).await??;
        announce(manager.send(GetStatus).await?.grpc_address.ok_or("the manager serves no gRPC")?)?;
        manager.send(WaitForShutdown).await??;
        Err("the manager was shut down".into())
    })
}
