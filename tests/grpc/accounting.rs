//! What a gRPC server carries, in the status and in the report.

use majordomo::GrpcServerOptions;
use support::rpc::{Calls, connect, endless, options, ping, start_call};
use support::{Journal, Probe, ms, observe};
use tonic::Code;

#[actix::test]
async fn g09_status_and_report_tell_connections_calls_by_method_the_oldest_call_and_what_was_shed() {
    let (calls, mut held) = Calls::new();
    let service = Probe::new("a", &Journal::default()).register_at_once(calls.register());
    let options = options().grpc_server(GrpcServerOptions::new().max_concurrent_calls(3));
    let mut observed = observe(options, |m| m.grpc_service(service));
    let address = observed.grpc_address().await;
    let channels = [connect(address).await, connect(address).await];
    let stream = endless(channels[0].clone()).await;
    held.entered("Endless").await;
    let mut holds = Vec::new();
    for channel in channels.clone() {
        holds.push(start_call(channel, "Hold"));
        held.entered("Hold").await;
    }
    assert_eq!(ping(channels[0].clone()).await.unwrap_err().code(), Code::ResourceExhausted);

    let status = observed.status().await;
    let carried = status.grpc.clone().expect("the server runs");
    let counts: Vec<_> = carried.calls.iter().map(|(method, calls)| (&**method, *calls)).collect();
    assert_eq!(counts, [("/test.Calls/Endless", 1), ("/test.Calls/Hold", 2)]);
    assert_eq!(carried.oldest.as_ref().unwrap().method, "/test.Calls/Endless");
    assert_eq!((carried.connections, carried.carrying, carried.arrived, carried.shed), (2, 2, 4, 1));
    assert!(status.to_string().contains("3 calls open: /test.Calls/Hold x 2"), "{status}");

    observed.shut_down();
    observed.seen("calls_in_flight").await;
    held.go.open();
    drop(stream);
    for hold in holds {
        hold.await.unwrap().unwrap();
    }
    let ended = observed.ended().await;
    ended.assert_ok();
    let report = ended.report();
    assert_eq!(report.grpc.as_ref().unwrap().calls, carried.calls);
    assert!(report.to_string().contains("when asked to drain: 2 connections, 3 calls open"), "{report}");
}

#[actix::test]
async fn g09_calls_that_are_answered_unavailable_are_named_by_method() {
    let (calls, mut held) = Calls::new();
    let service = Probe::new("a", &Journal::default()).register_at_once(calls.register());
    let mut observed = observe(options().max_shutdown_duration(ms(1500)), |m| m.grpc_service(service));
    let channel = connect(observed.grpc_address().await).await;
    let call = start_call(channel, "Hold");
    held.entered("Hold").await;
    observed.shut_down();
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::Unavailable);
    let ended = observed.ended().await;
    let text = ended.error().to_string();
    assert!(text.contains("1 call answered UNAVAILABLE"), "{text}");
    assert!(text.contains("/test.Calls/Hold"), "{text}");
}
