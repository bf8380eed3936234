//! A client of `grpc-production`: makes sure of everything that such a server promises its clients, then stays
//! with it until it has drained.
//!
//! ```text
//! cargo run -p grpc-production --bin grpc-client -- ADDRESS CA   # both as grpc-production prints them
//! ```
//!
//! It ends with an error at the first thing that is not as it should be: certificate, health, token, reflection. Then it
//! watches the server's health. When that turns NOT_SERVING, calls must still be answered, over new connections too:
//! that is what the drain delay is for. The watch ends when the drain begins. `API_TOKEN` is the token to send.

#[path = "../printer/mod.rs"]
mod printer;

use std::time::Duration;

use majordomo::clients::wait_for_grpc_server;
use majordomo::grpc::health::{HealthCheckRequest, HealthClient, LIVENESS, ServingStatus};
use majordomo::ping::PingClient;
use majordomo::{BoxError, Exit};
use printer::say;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

type Outcome<T> = Result<T, BoxError>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Exit {
    let result = run().await;
    printer::finish();
    result.into()
}

async fn run() -> Outcome<()> {
    let [address, ca] = <[String; 2]>::try_from(std::env::args().skip(1).collect::<Vec<_>>())
        .map_err(|given| format!("give an address and the file of a CA, not {given:?}"))?;
    let token = std::env::var("API_TOKEN").unwrap_or_else(|_| "for-trying-it-out".into());
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(std::fs::read(ca)?));
    let server = Endpoint::from_shared(format!("https://{address}"))?.tls_config(tls)?;
    let channel = server.connect_lazy();
    wait_for_grpc_server(channel.clone(), Duration::from_secs(3)).await?;

    expect("ready", health(&channel, "").await?, ServingStatus::Serving)?;
    expect("alive", health(&channel, LIVENESS).await?, ServingStatus::Serving)?;
    let refused = ping(&channel, None).await.err().map(|status| status.code());
    expect("a ping without token", refused, Some(Code::Unauthenticated))?;
    let refused = ping(&channel, Some("a guess")).await.err().map(|status| status.code());
    expect("a ping with another token", refused, Some(Code::Unauthenticated))?;
    ping(&channel, Some(&token)).await?;
    say("a ping with the token: answered");
    say(format!("served: {}", services(&channel).await?.join(", ")));

    let everything = HealthCheckRequest { service: String::new() };
    let mut watch = HealthClient::new(channel).watch(everything).await?.into_inner();
    while let Some(told) = watch.message().await? {
        say(format!("health: {}", told.status().as_str_name()));
        if told.status() == ServingStatus::NotServing {
            // Whoever has not heard of it yet comes all the same.
            let late = server.connect().await?;
            ping(&late, Some(&token)).await?;
            expect("alive", health(&late, LIVENESS).await?, ServingStatus::Serving)?;
            say("a late ping, over a new connection: answered");
        }
    }
    say("health: no more, the drain has begun");
    Ok(())
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Outcome<()> {
    if found != wanted {
        return Err(format!("{what}: {found:?}, where it should be {wanted:?}").into());
    }
    say(format!("{what}: {found:?}"));
    Ok(())
}

async fn health(channel: &Channel, service: &str) -> Result<ServingStatus, Status> {
    let request = HealthCheckRequest { service: service.to_owned() };
    Ok(HealthClient::new(channel.clone()).check(request).await?.into_inner().status())
}

async fn ping(channel: &Channel, token: Option<&str>) -> Result<(), Status> {
    let mut request = Request::new(());
    if let Some(token) = token {
        let value = format!("Bearer {token}");
        let value = value.parse().map_err(|_| Status::invalid_argument("no header can hold this token"))?;
        request.metadata_mut().insert("authorization", value);
    }
    request.set_timeout(Duration::from_secs(5));
    PingClient::new(channel.clone()).ping(request).await?;
    Ok(())
}

/// What the server says that it serves.
async fn services(channel: &Channel) -> Outcome<Vec<String>> {
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let questions = tokio_stream::iter([question]);
    let mut answers =
        ServerReflectionClient::new(channel.clone()).server_reflection_info(questions).await?.into_inner();
    match answers.message().await?.and_then(|answer| answer.message_response) {
        Some(MessageResponse::ListServicesResponse(list)) => {
            Ok(list.service.into_iter().map(|service| service.name).collect())
        }
        other => Err(format!("reflection answered {other:?}").into()),
    }
}
