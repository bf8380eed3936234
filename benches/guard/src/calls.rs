//! Calls of gRPC over loopback, one after the other, by a client on this thread.

use std::io;
use std::pin::Pin;

use actix::prelude::*;
use majordomo::{
    BoxError, GrpcServerOptions, GrpcService, Manager, ManagerOptions, RegisterOnServer, Service, Setup,
    StartShutdown, WaitForShutdown, WaitUntilRunning,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use crate::Failure;

#[allow(missing_docs, reason = "generated")]
mod pb {
    tonic::include_proto!("majordomo.bench");
}
use pb::bench_client::BenchClient;
use pb::bench_server::{Bench, BenchServer};
use pb::{Payload, Work};

const PAYLOAD: Payload = Payload { body: tonic::codegen::Bytes::from_static(&[7; 100]) };

/// Answers what it is sent.
struct Echoes;

#[tonic::async_trait]
impl Bench for Echoes {
    type EchoStreamStream = Pin<Box<dyn Stream<Item = Result<Payload, Status>> + Send>>;

    async fn echo(&self, request: Request<Payload>) -> Result<Response<Payload>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn burn(&self, _: Request<Work>) -> Result<Response<Payload>, Status> {
        Err(Status::unimplemented("nothing burns here"))
    }

    async fn echo_stream(
        &self,
        request: Request<Streaming<Payload>>,
    ) -> Result<Response<Self::EchoStreamStream>, Status> {
        Ok(Response::new(Box::pin(request.into_inner().map(|message| message))))
    }
}

struct Registers;

impl Actor for Registers {
    type Context = Context<Self>;
}

impl Service for Registers {
    fn id(&self) -> String {
        "echo".to_owned()
    }
}

impl GrpcService for Registers {}

impl Handler<RegisterOnServer> for Registers {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, on: RegisterOnServer, _: &mut Context<Self>) -> Self::Result {
        on.server.add_service(BenchServer::new(Echoes));
        Ok(())
    }
}

impl Handler<Setup> for Registers {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

/// A server, and a client that does that; `options` adds to those of the manager.
fn served(
    options: impl FnOnce(ManagerOptions) -> ManagerOptions,
    work: impl AsyncFnOnce(BenchClient<Channel>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    System::new().block_on(async {
        let plain = ManagerOptions::new()
            .grpc_ping_service(false)
            .handle_signals(false)
            .grpc_server_address("127.0.0.1:0")
            .grpc_server(GrpcServerOptions::new().workers(1));
        let manager = Manager::new(options(plain)).grpc_service(Registers).start();
        manager.send(WaitUntilRunning).await??;
        let status = manager.send(majordomo::GetStatus).await?;
        let address = status.grpc_addresses.first().ok_or("it serves")?.to_string();
        let channel = Endpoint::new(format!("http://{address}"))?.connect().await?;
        work(BenchClient::new(channel)).await?;
        manager.send(StartShutdown).await?;
        Ok(manager.send(WaitForShutdown).await??)
    })
}

async fn echoes(count: u32, mut client: BenchClient<Channel>) -> Result<(), Failure> {
    for _ in 0..count {
        client.echo(PAYLOAD).await?;
    }
    Ok(())
}

pub(crate) fn unary(count: u32) -> Result<(), Failure> {
    served(ManagerOptions::without_grpc_logging, async |client| echoes(count, client).await)
}

/// Each call written, into a sink.
pub(crate) fn logged(count: u32) -> Result<(), Failure> {
    let calls = Targets::new().with_target("majordomo", LevelFilter::DEBUG);
    let log = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(io::sink).with_filter(calls);
    let subscriber = tracing_subscriber::registry().with(log);
    let options = |options: ManagerOptions| options.dispatch(subscriber.into());
    served(options, async |client| echoes(count, client).await)
}

pub(crate) fn stream(count: u32) -> Result<(), Failure> {
    served(ManagerOptions::without_grpc_logging, async |mut client| {
        let (send, messages) = mpsc::channel(1);
        send.send(PAYLOAD).await?;
        let mut answers = client.echo_stream(ReceiverStream::new(messages)).await?.into_inner();
        for _ in 0..count {
            answers.message().await?.ok_or("it goes on")?;
            send.send(PAYLOAD).await?;
        }
        drop(send);
        while answers.message().await?.is_some() {}
        Ok(())
    })
}
