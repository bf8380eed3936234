//! What may be open when a drain begins, each in a trial of its own.

use majordomo::GrpcServerOptions;
use majordomo::grpc::health::{HealthCheckRequest, HealthClient};
use support::place;
use support::rpc::{endless, start_call};
use support::within;

use super::{GRACE, Over, Row, Trial, end_of, outcome, outcome_of};

pub(crate) async fn idle(over: Over) -> Row {
    let trial = Trial::begin(over).await;
    let mut raw = trial.raw(false).await;
    let call = raw.call("/pkping.Ping/Ping", None).unwrap();
    assert_eq!(raw.beside(outcome_of(call)).await, "OK");
    let drive = raw.close();
    let end = async { drive.await.map_or_else(|error| error.to_string(), |()| "told to go, closed".into()) };
    trial.drain(end).await
}

pub(crate) async fn idle_and_gone(over: Over) -> Row {
    let trial = Trial::begin(over).await;
    let mut raw = trial.raw(false).await;
    assert!(raw.arrived().await);
    let row = trial.drain(async { "nothing".to_owned() }).await;
    drop(raw);
    row
}

pub(crate) async fn silent(over: Over) -> Row {
    let trial = Trial::begin(over).await;
    let peer = trial.silent(b"").await;
    trial.drain(end_of(peer)).await
}

pub(crate) async fn half_a_preface(over: Over) -> Row {
    let trial = Trial::begin(over).await;
    let peer = trial.silent(b"PRI * HTTP/2.0\r\n").await;
    trial.drain(end_of(peer)).await
}

pub(crate) async fn half_a_handshake(over: Over) -> Row {
    let trial = Trial::begin(over).await;
    // The head of a record that announces a greeting of 512 bytes.
    let peer = trial.silent(&[0x16, 3, 1, 2, 0, 1, 0]).await;
    trial.drain(end_of(peer)).await
}

pub(crate) async fn silent_after_the_handshake(over: Over) -> Row {
    let trial = Trial::begin(over).await;
    let peer = trial.place.open().await.unwrap();
    trial.drain(end_of(peer)).await
}

pub(crate) async fn a_call_that_finishes(over: Over) -> Row {
    let mut trial = Trial::begin(over).await;
    let call = start_call(trial.place.channel(), "Hold");
    trial.held.entered("Hold").await;
    trial.let_go(async { outcome(call.await.unwrap()) }).await
}

pub(crate) async fn calls_handed_over_that_finish(over: Over) -> Row {
    let mut trial = Trial::begin(over).await;
    let (raw, calls) = trial.heavy("HoldHeavily", 4).await;
    let drive = tokio::spawn(raw.close());
    let row = trial.let_go(all_of(calls)).await;
    within("the end of the connection", drive).await.unwrap().unwrap();
    row
}

/// What they are told, if all are told the same.
async fn all_of(calls: Vec<place::RawCall>) -> String {
    let mut all = std::collections::BTreeSet::new();
    for call in calls {
        all.insert(outcome_of(call).await);
    }
    all.into_iter().collect::<Vec<_>>().join(", ")
}

pub(crate) async fn a_call_that_never_ends(over: Over) -> Row {
    let mut trial = Trial::begin(over).await;
    let call = start_call(trial.place.channel(), "Hold");
    trial.held.entered("Hold").await;
    trial.drain(async { outcome(call.await.unwrap()) }).await
}

pub(crate) async fn a_request_that_never_ends(over: Over) -> Row {
    let trial = Trial::begin(over).await;
    let mut raw = trial.raw(false).await;
    let call = raw.begin("/test.Calls/Hold", None).unwrap();
    assert!(raw.arrived().await);
    trial.drain(async { raw.beside(outcome_of(call)).await }).await
}

pub(crate) async fn a_call_that_waits_its_turn(over: Over) -> Row {
    let options = GrpcServerOptions::new().max_concurrent_calls_per_connection(1);
    let trial = Trial::begin_with(over, options).await;
    let mut raw = trial.raw(false).await;
    let calls =
        vec![raw.call("/test.Calls/Hold", None).unwrap(), raw.call("/test.Calls/Hold", None).unwrap()];
    assert!(raw.arrived().await);
    trial.drain(async { raw.beside(all_of(calls)).await }).await
}

pub(crate) async fn a_call_of_a_peer_that_has_vanished(over: Over) -> Row {
    let mut trial = Trial::begin(over).await;
    let mut raw = trial.raw(false).await;
    let call = raw.call("/test.Calls/Hold", None).unwrap();
    raw.beside(trial.held.entered("Hold")).await;
    // From here on nobody drives this connection.
    let row = trial.drain(async { "nothing".to_owned() }).await;
    drop((raw, call));
    row
}

pub(crate) async fn an_endless_stream(over: Over) -> Row {
    let trial = Trial::begin(over).await;
    let mut stream = endless(trial.place.channel()).await;
    trial.drain(async { outcome(stream.message().await) }).await
}

pub(crate) async fn a_watch(over: Over) -> Row {
    let trial = Trial::begin(over).await;
    let mut client = HealthClient::new(trial.place.channel());
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert!(within("a status", watch.message()).await.unwrap().is_some());
    let end = async {
        while let Some(_status) = watch.message().await.unwrap() {}
        "OK".to_owned()
    };
    trial.drain(end).await
}

fn graceful() -> GrpcServerOptions {
    GrpcServerOptions::new().stream_grace(GRACE)
}

pub(crate) async fn a_stream_with_a_grace(over: Over) -> Row {
    let trial = Trial::begin_with(over, graceful()).await;
    let mut stream = endless(trial.place.channel()).await;
    trial.drain(async { outcome(stream.message().await) }).await
}

pub(crate) async fn a_flood_with_a_grace(over: Over) -> Row {
    flood(Trial::begin_with(over, graceful()).await).await
}

pub(crate) async fn a_flood(over: Over) -> Row {
    flood(Trial::begin(over).await).await
}

async fn flood(mut trial: Trial) -> Row {
    let mut raw = trial.raw(false).await;
    let call = raw.call("/test.Calls/Flood", None).unwrap();
    raw.beside(trial.held.entered("Flood")).await;
    trial.drain(async { raw.beside(outcome_of(call)).await }).await
}

pub(crate) async fn a_flood_without_a_window(over: Over) -> Row {
    unread(over, false).await
}

pub(crate) async fn a_flood_that_is_not_read(over: Over) -> Row {
    unread(over, true).await
}

async fn unread(over: Over, greedy: bool) -> Row {
    let trial = Trial::begin(over).await;
    let mut raw = trial.raw(greedy).await;
    let mut call = raw.call("/test.Calls/Flood", None).unwrap();
    let mut body = raw.beside(&mut call.response).await.unwrap().into_body();
    // From here on nobody drives this connection.
    let mut row = trial.drain(async { String::new() }).await;
    // When it looks again, too late, it finds some of the answer and no end of it.
    let _ = within("the end of the connection", raw.close()).await;
    while let Some(Ok(_)) = body.data().await {}
    row.told = match body.trailers().await {
        Ok(Some(trailers)) => format!("{trailers:?}"),
        _ => "its connection was cut".to_owned(),
    };
    row
}

pub(crate) async fn calls_handed_over_that_never_end(over: Over) -> Row {
    let mut trial = Trial::begin(over).await;
    let (mut raw, calls) = trial.heavy("HoldHeavily", 4).await;
    trial.drain(async { raw.beside(all_of(calls)).await }).await
}

pub(crate) async fn a_handler_that_blocks(over: Over) -> Row {
    let mut trial = Trial::begin(over).await;
    let call = start_call(trial.place.channel(), "Block");
    trial.held.entered("Block").await;
    trial.drain(async { outcome(call.await.unwrap()) }).await
}

pub(crate) async fn a_handler_handed_over_that_blocks(over: Over) -> Row {
    let mut trial = Trial::begin(over).await;
    let (mut raw, mut calls) = trial.heavy("BlockElsewhere", 2).await;
    let blocked = calls.pop().unwrap();
    trial.drain(async { raw.beside(outcome_of(blocked)).await }).await
}
