//! A server that is reached in memory: no socket, and everything else as over one.

use std::time::Duration;
use support::rpc;

use majordomo::clients::{InMemory, wait_for_grpc_server};
use majordomo::{GrpcServerOptions, ManagerOptions, StageError};
use support::rpc::{Calls, SERVER, endless, ping, start_call};
use support::{Gate, Journal, Observed, Probe, ms, observe, options, within};
use tonic::Code;
use tonic::transport::Endpoint;

fn only(memory: &InMemory) -> ManagerOptions {
    options().grpc_ping_service(true).grpc_in_memory(memory)
}

async fn end(mut observed: Observed) {
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g02_a_call_in_memory_is_answered_and_no_socket_is_opened() {
    let memory = InMemory::new();
    let mut observed = observe(only(&memory), |m| m);
    observed.running().await;
    ping(memory.channel()).await.unwrap();
    let endpoint = Endpoint::from_static("http://anything").timeout(Duration::from_secs(5));
    ping(endpoint.connect_with_connector(memory.clone()).await.unwrap()).await.unwrap();
    let status = observed.status().await;
    assert_eq!(status.grpc_address, None);
    assert_eq!(status.grpc_addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["in-memory"]);
    assert!(status.to_string().contains("gRPC on in-memory"), "{status}");
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.event("serving: in-memory");
}

#[actix::test]
async fn g02_connecting_in_memory_is_refused_before_the_run_and_after_the_end() {
    let memory = InMemory::new();
    let channel = memory.channel();
    let refused = async |why: &str| {
        let status = ping(channel.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        let text = format!("{status:?}");
        assert!(text.contains("refused") && text.contains(why), "{why:?} is not in: {text}");
    };
    refused("no server has this place").await;
    let gate = Gate::default();
    let slow = Probe::new("slow", &Journal::default()).setup({
        let gate = gate.clone();
        move |_| async move {
            gate.passed().await;
            Ok(())
        }
    });
    let mut observed = observe(only(&memory), |m| m.service(slow));
    observed.seen("setup_finished majordomo grpc: ok").await;
    refused("does not run yet").await;
    gate.open();
    // The same channel connects by itself once it can.
    wait_for_grpc_server(channel.clone(), Duration::from_secs(10)).await.unwrap();
    ping(channel.clone()).await.unwrap();
    end(observed).await;
    refused("has ended").await;
}

#[actix::test]
async fn a_server_is_reached_in_memory_and_by_tcp() {
    let memory = InMemory::new();
    let observed = observe(only(&memory).grpc_server_address("127.0.0.1:0"), |m| m);
    let address = observed.grpc_address().await;
    ping(memory.channel()).await.unwrap();
    ping(rpc::connect(address).await).await.unwrap();
    let status = observed.status().await;
    let addresses: Vec<_> = status.grpc_addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, [address.to_string(), "in-memory".to_owned()]);
    end(observed).await;
}

#[actix::test]
async fn g13_the_next_server_can_have_the_same_place() {
    let memory = InMemory::new();
    let channel = memory.channel();
    for _ in 0..3 {
        let observed = observe(only(&memory), |m| m);
        observed.running().await;
        wait_for_grpc_server(channel.clone(), Duration::from_secs(10)).await.unwrap();
        end(observed).await;
    }
}

#[actix::test]
async fn g14_a_place_that_another_server_has_is_in_use_until_that_ends() {
    let memory = InMemory::new();
    let first = observe(only(&memory), |m| m);
    first.running().await;
    let mut second = observe(only(&memory), |m| m);
    second.seen("setup_started majordomo grpc").await;
    second.shut_down();
    let ended = second.ended().await;
    ended.assert_exit_code(1);
    let text = ended.setup_errors().to_string();
    assert!(text.contains("in-memory") && text.contains("in use"), "{text}");

    let third = observe(only(&memory), |m| m);
    ping(memory.channel()).await.unwrap();
    end(first).await;
    third.running().await;
    ping(memory.channel()).await.unwrap();
    end(third).await;
}

#[actix::test]
async fn g01_the_same_place_twice_is_refused() {
    let memory = InMemory::new();
    let ended = observe(only(&memory).grpc_in_memory(&memory.clone()), |m| m).ended().await;
    ended.assert_exit_code(1);
    assert!(matches!(ended.error().setup(), Some(StageError::Config(_))), "{:?}", ended.result);
    assert!(ended.error().to_string().contains("\"in-memory\""), "{:?}", ended.result);
}

#[actix::test]
async fn g08_calls_in_memory_finish_during_the_drain() {
    let memory = InMemory::new();
    let (calls, mut held) = Calls::new();
    let service = Probe::new("a", &Journal::default()).register_at_once(calls.register());
    let mut observed = observe(only(&memory), |m| m.service_and_grpc(service));
    observed.running().await;
    let call = start_call(memory.channel(), "Hold");
    held.entered("Hold").await;
    observed.shut_down();
    observed.seen(&format!("shutdown_started {SERVER}")).await;
    // A new channel is refused as soon as the drain has begun.
    let refusal = async {
        while ping(memory.channel()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    within("refusal", refusal).await;
    held.go.open();
    assert_eq!(within("the held call", call).await.unwrap().unwrap(), b"held");
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g08_an_endless_stream_in_memory_is_answered_unavailable_before_the_deadline() {
    let memory = InMemory::new();
    let (calls, _held) = Calls::new();
    let service = Probe::new("a", &Journal::default()).register_at_once(calls.register());
    let options = only(&memory).max_shutdown_duration(ms(2000));
    let mut observed = observe(options, |m| m.service_and_grpc(service));
    observed.running().await;
    let mut stream = endless(memory.channel()).await;
    observed.shut_down();
    let status = within("the end of the stream", stream.message()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "server is shutting down"));
    let ended = observed.ended().await;
    ended.assert_exit_code(3);
}

#[actix::test]
async fn g10_connections_in_memory_are_closed_by_force() {
    let memory = InMemory::new();
    let (calls, _held) = Calls::new();
    let service = Probe::new("a", &Journal::default()).register_at_once(calls.register());
    let mut observed = observe(only(&memory), |m| m.service_and_grpc(service));
    observed.running().await;
    let mut stream = endless(memory.channel()).await;
    observed.force();
    within("the end of the stream", stream.message()).await.unwrap_err();
    observed.ended().await;
}

#[actix::test]
async fn connections_in_memory_count_as_all_others() {
    let memory = InMemory::new();
    let server = GrpcServerOptions::new().max_connections(1);
    let observed = observe(only(&memory).grpc_server(server), |m| m);
    observed.running().await;
    let first = memory.channel();
    ping(first.clone()).await.unwrap();
    ping(memory.channel()).await.unwrap_err();
    ping(first).await.unwrap();
    end(observed).await;
}
