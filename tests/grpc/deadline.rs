//! G8, G9 and G10 with a gRPC server that does not drain by itself: streams, calls and handlers that hold on.
//!
//! `--nocapture` shows how late the ends were.

use std::time::{Duration, Instant};
use support::rpc;

use majordomo::grpc::DrainError;
use majordomo::{GrpcServerOptions, Manager, ManagerOptions, ResourceEnding};
use support::rpc::{
    Calls, Held, connect, endless, idle, is_refused, options, ping, silent, start_call, until_closed,
};
use support::{Ended, Journal, Observed, Probe, error_of, ms, observe, whos, within};
use tonic::{Code, Status};

const LIMIT: Duration = ms(1800);
const RESERVE: Duration = ms(300);
/// When services are forced, the server among them: late enough for a drain's longest lead.
const SERVICES: Duration = ms(1500);

/// Two workers, to which connections are dealt in turn.
fn limits() -> ManagerOptions {
    options()
        .grpc_server(GrpcServerOptions::new().workers(2))
        .max_shutdown_duration(LIMIT)
        .release_reserve(RESERVE)
}

/// A service of [`Calls`] with a resource, beside one with a main loop and a resource.
fn serve(options: ManagerOptions, journal: &Journal) -> (Observed, Held) {
    let (calls, held) = Calls::new();
    let rpc = Probe::new("rpc", journal)
        .register_at_once(calls.register())
        .with_resources(vec![Probe::resource("rpc", "pool", journal)]);
    let clean = Probe::new("clean", journal).with_resources(vec![Probe::resource("clean", "file", journal)]);
    let services = |m: Manager| m.grpc_service(rpc).service(clean);
    (observe(options, services), held)
}

/// The end came in time with an error that names the server alone, and everybody else was given back in order.
#[track_caller]
fn drain_error(ended: &Ended) -> DrainError {
    ended.assert_in_time(LIMIT);
    ended.assert_exit_code(3);
    let errors = ended.shutdown_errors();
    assert_eq!(whos(errors.errors()), ["majordomo grpc (shutdown)"], "{errors}");
    assert!(ended.error().setup().is_none() && ended.error().run().is_none(), "{}", ended.error());
    assert_resources_released(ended);
    let error = &error_of(errors, "majordomo grpc (shutdown)").source;
    error.downcast_ref::<DrainError>().unwrap_or_else(|| panic!("no DrainError: {error}")).clone()
}

#[track_caller]
fn assert_resources_released(ended: &Ended) {
    for (service, name) in [("rpc", "pool"), ("clean", "file")] {
        let ending = ended.resource(service, name).ending;
        assert_eq!(ending, Some(ResourceEnding::Acknowledged), "{service}/{name}:\n{}", ended.events);
        ended.events.assert_before("drained", &format!("release_started {service}/{name}"));
    }
}

/// The server said so itself; it is not the client that found its connection cut.
#[track_caller]
fn assert_unavailable(status: &Status) {
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unavailable, "server is shutting down"),
        "{status:?}"
    );
}

#[actix::test]
async fn g08_an_endless_stream_is_answered_unavailable_before_its_connection_is_cut() {
    let journal = Journal::default();
    let (mut observed, _held) = serve(limits(), &journal);
    let address = observed.grpc_address().await;
    let mut stream = endless(connect(address).await).await;

    let asked = Instant::now();
    observed.shut_down();
    let status = within("the stream's end", stream.message()).await.unwrap_err();
    let after = asked.elapsed();
    assert_unavailable(&status);
    assert!(after < LIMIT, "{after:?}");
    let ended = observed.ended().await;
    let error = drain_error(&ended);
    assert_eq!((error.connections, error.unavailable, error.cut), (1, 1, 0), "{error}");
    let oldest = error.oldest.expect("there was a call");
    assert_eq!(oldest.method, "/test.Calls/Endless");
    assert!(oldest.age > SERVICES / 2 && oldest.age < LIMIT, "{oldest:?}");
    // What the user reads tells it all.
    let text = ended.error().to_string();
    for what in
        ["majordomo grpc", "1 connection held on", "1 call answered UNAVAILABLE", "/test.Calls/Endless"]
    {
        assert!(text.contains(what), "{what:?} is not in: {text}");
    }
    assert!(ended.events.since_asked("drained") < SERVICES + ended.soon(), "{}", ended.events);
    assert!(is_refused(address).await);
}

#[actix::test]
async fn g08_a_call_that_never_ends_is_answered_unavailable_and_dropped() {
    let journal = Journal::default();
    let (mut observed, mut held) = serve(limits(), &journal);
    let address = observed.grpc_address().await;
    let call = start_call(connect(address).await, "Hold");
    held.entered("Hold").await;

    observed.shut_down();
    assert_unavailable(&within("the call's end", call).await.unwrap().unwrap_err());
    let ended = observed.ended().await;
    let error = drain_error(&ended);
    assert_eq!((error.connections, error.unavailable, error.cut), (1, 1, 0), "{error}");
    assert!(held.dropped.is_open(), "the handler still runs");
}

#[actix::test]
async fn g08_a_handler_that_blocks_its_thread_is_named_and_costs_nobody_else_anything() {
    let journal = Journal::default();
    let (mut observed, mut held) = serve(limits(), &journal);
    let address = observed.grpc_address().await;
    let call = start_call(connect(address).await, "Block");
    held.entered("Block").await;

    observed.shut_down();
    let ended = observed.ended().await;
    let error = drain_error(&ended);
    assert_eq!((error.connections, error.blocked_workers.len()), (1, 1), "{error}");
    let text = ended.error().to_string();
    for what in ["majordomo grpc", "a handler blocks server-worker-", "1 connection held on"] {
        assert!(text.contains(what), "{what:?} is not in: {text}");
    }
    assert!(is_refused(address).await);

    // Once it yields, its connection is closed, perhaps after its answer.
    held.unblock.take();
    let _answer = within("the end of the blocked call", call).await;
}

#[actix::test]
async fn g08_all_at_once_end_in_time() {
    let journal = Journal::default();
    let (mut observed, mut held) = serve(limits(), &journal);
    let address = observed.grpc_address().await;
    // The first worker's connection, and the second's.
    let mut stream = endless(connect(address).await).await;
    let blocking = connect(address).await;
    let channels = [connect(address).await, connect(address).await];
    for channel in channels.clone() {
        ping(channel).await.unwrap();
    }
    let mut peers = vec![silent(address, "").await, silent(address, "PRI * HTTP/2").await];
    for _ in 0..50 {
        peers.push(idle(address).await);
    }
    let held_call = start_call(channels[0].clone(), "Hold");
    held.entered("Endless").await;
    held.entered("Hold").await;
    let blocked = start_call(blocking, "Block");
    held.entered("Block").await;

    observed.shut_down();
    // Both are on the worker that is not blocked.
    assert_unavailable(&within("the stream's end", stream.message()).await.unwrap_err());
    assert_unavailable(&within("the call's end", held_call).await.unwrap().unwrap_err());
    let ended = observed.ended().await;
    let error = drain_error(&ended);
    assert_eq!((error.connections, error.unavailable, error.cut), (3, 2, 0), "{error}");
    assert_eq!(error.blocked_workers, ["server-worker-1"], "{error}");
    assert!(is_refused(address).await);

    held.unblock.take();
    let _answer = within("the end of the blocked call", blocked).await;
    for peer in peers {
        until_closed(peer).await;
    }
}

#[actix::test]
async fn g08_force_shutdown_with_open_streams_ends_at_once() {
    let journal = Journal::default();
    let (mut observed, mut held) = serve(limits().max_shutdown_duration(ms(10_000)), &journal);
    let address = observed.grpc_address().await;
    let mut streams = [endless(connect(address).await).await, endless(connect(address).await).await];
    let call = start_call(connect(address).await, "Hold");
    for method in ["Endless", "Endless", "Hold"] {
        held.entered(method).await;
    }
    let peers = [silent(address, "").await, idle(address).await];

    observed.force();
    let ended = observed.ended().await;
    let took = ended.took.unwrap();
    println!("TOOK {:>4} ms", took.as_millis());
    assert!(took <= ms(100) + ended.soon(), "{took:?}:\n{}", ended.events);
    ended.assert_exit_code(3);
    // Told by the server itself, if it had the time, or by the manager that forced it.
    let errors = ended.shutdown_errors().to_string();
    assert!(errors.contains("majordomo grpc") && errors.contains("3 connections"), "{errors}");
    assert!(is_refused(address).await);
    assert!(held.dropped.is_open(), "a handler still runs");
    for stream in &mut streams {
        within("the stream's end", stream.message()).await.unwrap_err();
    }
    within("the call's end", call).await.unwrap().unwrap_err();
    for peer in peers {
        until_closed(peer).await;
    }
}

#[actix::test]
async fn g08_force_shutdown_during_a_drain_without_a_limit_ends_it_at_once() {
    let journal = Journal::default();
    let (mut observed, _held) = serve(limits().max_shutdown_duration(None), &journal);
    let address = observed.grpc_address().await;
    let mut stream = endless(connect(address).await).await;
    observed.shut_down();
    rpc::refused(address).await;
    observed.force();
    let ended = observed.ended().await;
    let took = ended.took.unwrap();
    println!("TOOK {:>4} ms", took.as_millis());
    assert!(took <= ms(100) + ended.soon(), "{took:?}:\n{}", ended.events);
    ended.assert_exit_code(3);
    within("the stream's end", stream.message()).await.unwrap_err();
}
