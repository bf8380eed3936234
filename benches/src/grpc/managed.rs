//! The service of the gRPC benchmarks as one of a manager, and somebody who keeps streams of it open.

use std::time::Duration;

use actix::prelude::*;
use majordomo::{BoxError, GrpcService, RegisterOnServer, Service, Setup};
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use super::pb::Payload;
use super::pb::bench_client::BenchClient;
use super::service::{BenchServer, Echoes};
use crate::measure::Failure;

/// Registers it.
pub(crate) struct Registers;

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

/// Streams that stay open, and what keeps them so.
pub(crate) struct OpenStreams {
    _channel: Channel,
    _answers: Vec<Streaming<Payload>>,
}

/// Opens so many on one connection; each has answered once.
pub(crate) async fn open_streams(address: &str, count: usize) -> Result<OpenStreams, Failure> {
    let endpoint =
        Endpoint::from_shared(format!("http://{address}"))?.connect_timeout(Duration::from_secs(5));
    let channel = endpoint.connect().await?;
    let mut answers = Vec::with_capacity(count);
    for _ in 0..count {
        let first = tokio_stream::once(Payload::default());
        let requests = tokio_stream::StreamExt::chain(first, tokio_stream::pending());
        let mut stream = BenchClient::new(channel.clone()).echo_stream(requests).await?.into_inner();
        stream.message().await?.ok_or("it ended at once")?;
        answers.push(stream);
    }
    Ok(OpenStreams { _channel: channel, _answers: answers })
}
