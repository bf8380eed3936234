//! gRPC while a service restarts: its methods are refused, all else goes on.

use majordomo::grpc::health::{HealthCheckRequest, HealthClient, ServingStatus};
use majordomo::ping::PingClient;
use majordomo::{RestartService, StopService};
use support::phoenix::{Fail, Phoenix, at_once};
use support::rpc;
use support::rpc::Calls;
use support::{Gate, Journal, Probe, connect, observe, serving, within};
use tonic::Code;
use tonic::codec::Streaming;

async fn status(watch: &mut Streaming<majordomo::grpc::health::HealthCheckResponse>) -> ServingStatus {
    within("a status", watch.message()).await.unwrap().expect("the watch goes on").status()
}

#[actix::test]
async fn a_service_that_restarts_refuses_calls_and_serves_again_while_all_else_goes_on() {
    let (journal, gate) = (Journal::default(), Gate::default());
    let (phoenix, addr) = Phoenix::new("phoenix", &journal).holds(&gate).addr();
    let (calls, held) = Calls::new();
    let other = Probe::new("other", &Journal::default()).register_at_once(calls.register());
    let mut observed = observe(serving().grpc_ping_service(false), |manager| {
        manager.service_and_grpc(phoenix.spec(at_once())).grpc_service(other)
    });
    let channel = connect(&observed).await;
    let mut pings = PingClient::new(channel.clone());
    let watch = HealthClient::new(channel.clone())
        .watch(HealthCheckRequest { service: "pkping.Ping".to_owned() })
        .await;
    let mut watch = watch.unwrap().into_inner();
    pings.ping(()).await.unwrap();
    assert_eq!(status(&mut watch).await, ServingStatus::Serving);
    // A call of another service is open over the same connection.
    let open = actix::spawn(rpc::unary(channel.clone(), "Hold"));
    journal.until("phoenix: run", 1).await;
    within("the address", addr).await.unwrap().do_send(Fail::Handler);
    observed.seen("restart_started phoenix").await;
    assert_eq!(status(&mut watch).await, ServingStatus::NotServing);
    let refused = pings.ping(()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert!(refused.message().contains("\"phoenix\""), "{refused}");
    gate.open();
    observed.seen("restart_finished phoenix: ok").await;
    assert_eq!(status(&mut watch).await, ServingStatus::Serving);
    pings.ping(()).await.unwrap();
    assert_eq!(journal.count("phoenix: register"), 1);
    held.go.open();
    within("the open call", open).await.unwrap().unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn a_service_that_was_stopped_refuses_calls_until_it_is_restarted() {
    let journal = Journal::default();
    let phoenix = Phoenix::new("phoenix", &journal).spec(at_once());
    let mut observed = observe(serving().grpc_ping_service(false), |manager| manager.grpc_service(phoenix));
    let mut pings = PingClient::new(connect(&observed).await);
    observed.manager.send(StopService("phoenix".into())).await.unwrap().unwrap();
    assert_eq!(pings.ping(()).await.unwrap_err().code(), Code::Unavailable);
    observed.manager.send(RestartService("phoenix".into())).await.unwrap().unwrap();
    pings.ping(()).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}
