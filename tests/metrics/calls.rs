//! Calls of gRPC: by method and status, and by what ended them.

use majordomo::metrics::Metrics;
use majordomo::{GrpcServerOptions, ManagerOptions};
use support::rpc::{Calls, Held, connect, endless, options, ping, start_call, unary};
use support::{Journal, Observed, Probe, ms, observe, web};
use tonic::Code;

use crate::scraped::{Scraped, address, operations};
use crate::told::register;

const HOLD: &str = "test.Calls/Hold";
const COUNT: &str = "rpc_server_call_duration_seconds_count";

/// A manager that counts into these metrics, and serves `test.Calls`.
fn serve(options: ManagerOptions, metrics: &Metrics) -> (Observed, Held) {
    let (calls, held) = Calls::new();
    let service = Probe::new("a", &Journal::default()).register_at_once(register(calls));
    (observe(options.metrics(metrics).operations(operations()), |m| m.grpc_service(service)), held)
}

#[actix::test]
async fn calls_are_counted_by_method_and_status_with_the_labels_of_the_conventions() {
    let metrics = Metrics::new();
    let (observed, mut held) = serve(options(), &metrics);
    let channel = connect(observed.grpc_address().await).await;
    ping(channel.clone()).await.unwrap();
    ping(channel.clone()).await.unwrap();
    held.go.open();
    unary(channel.clone(), "Hold").await.unwrap();
    held.entered("Hold").await;

    let scraped = Scraped::from(address(&observed).await).await;
    let of = |method, code: &str| scraped.calls(method, code);
    assert_eq!((of("pkping.Ping/Ping", "OK"), of(HOLD, "OK")), (2.0, 1.0), "{}", scraped.text);
    assert_eq!(scraped.labels(COUNT).len(), 2, "what nobody called has no series: {}", scraped.text);
    // The buckets, each with all that were no longer.
    let labels =
        [("rpc_method", "pkping.Ping/Ping"), ("rpc_response_status_code", "OK"), ("rpc_system_name", "grpc")];
    let bounds = [
        "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5",
        "10", "+Inf",
    ];
    let mut before = 0.0;
    for le in bounds {
        let with_bound: Vec<_> = labels.iter().copied().chain([("le", le)]).collect();
        let value = scraped.value("rpc_server_call_duration_seconds_bucket", &with_bound);
        assert!(value >= before, "{}", scraped.text);
        before = value;
    }
    assert_eq!(before, 2.0);
    let sum = scraped.value("rpc_server_call_duration_seconds_sum", &labels);
    assert!(sum > 0.0 && sum < 20.0, "{sum}");
}

#[actix::test]
async fn g17_ten_thousand_random_paths_make_one_series() {
    let metrics = Metrics::new();
    let (observed, _held) = serve(options(), &metrics);
    let server = observed.grpc_address().await;
    for at in 0..10_000 / 100 {
        // A server that resets a thousand streams of a connection ends it.
        let channel = connect(server).await;
        let calls = (0..100).map(|of| {
            let mut client = tonic::client::Grpc::new(channel.clone());
            // Of services that nobody serves, and of one that is served.
            let service = if of % 2 == 0 { "test.Calls".to_owned() } else { format!("a{at}.B{of}") };
            let path = format!("/{service}/M{at}x{of}").parse().unwrap();
            let codec = tonic_prost::ProstCodec::<Vec<u8>, Vec<u8>>::default();
            async move {
                client.ready().await.unwrap();
                let called = client.unary(tonic::Request::new(Vec::new()), path, codec).await;
                assert_eq!(called.unwrap_err().code(), Code::Unimplemented);
            }
        });
        futures_util::future::join_all(calls).await;
    }
    let scraped = Scraped::from(address(&observed).await).await;
    assert_eq!(scraped.calls("_OTHER", "UNIMPLEMENTED"), 10_000.0, "{}", scraped.text);
    assert_eq!(scraped.labels(COUNT).len(), 1, "{}", scraped.text);
}

#[actix::test]
async fn g11_panics_sheds_cancels_and_deadlines_are_counted_as_what_they_are() {
    let metrics = Metrics::new();
    let options = options().grpc_server(GrpcServerOptions::new().max_concurrent_calls(1));
    let (observed, mut held) = serve(options, &metrics);
    let (channel, at) = (connect(observed.grpc_address().await).await, address(&observed).await);
    let panicked = unary(channel.clone(), "Panic").await.unwrap_err();
    assert_eq!(panicked.code(), Code::Internal);
    let scraped =
        Scraped::until(at, "the panic", |all| all.calls("test.Calls/Panic", "INTERNAL") == 1.0).await;
    assert_eq!(scraped.ended("grpc", "panic"), 1.0);
    held.entered("Panic").await;

    let hold = start_call(channel.clone(), "Hold");
    held.entered("Hold").await;
    assert_eq!(ping(channel.clone()).await.unwrap_err().code(), Code::ResourceExhausted);
    let scraped = Scraped::from(at).await;
    assert_eq!(scraped.calls("pkping.Ping/Ping", "RESOURCE_EXHAUSTED"), 1.0, "{}", scraped.text);
    assert_eq!(scraped.ended("grpc", "shedding"), 1.0);
    let carried = |scraped: &Scraped, name| scraped.value(name, &[("service", "majordomo grpc")]);
    assert_eq!(carried(&scraped, "majordomo_open_calls"), 1.0);
    assert_eq!(carried(&scraped, "majordomo_connections"), 1.0);

    // The client goes.
    hold.abort();
    let scraped = Scraped::until(at, "the cancel", |all| all.calls(HOLD, "CANCELLED") == 1.0).await;
    assert_eq!(scraped.ended("grpc", "client"), 1.0);
    Scraped::until(at, "no open call", |all| carried(all, "majordomo_open_calls") == 0.0).await;

    // A client of tonic would not wait for the server's word.
    let server = observed.grpc_address().await;
    let mut late = web::call(server, &format!("/{HOLD}"), "application/grpc", web::message(b""));
    late.headers_mut().insert("grpc-timeout", "1m".parse().unwrap());
    let answer = web::send(server, http::Version::HTTP_2, late).await;
    assert_eq!(answer.headers()["grpc-status"], "4");
    let scraped = Scraped::until(at, "the deadline", |all| all.calls(HOLD, "DEADLINE_EXCEEDED") == 1.0).await;
    assert_eq!(scraped.ended("grpc", "deadline"), 1.0);
    let others: f64 =
        ["request", "refusal", "limit", "drain", "cut"].map(|by| scraped.ended("grpc", by)).iter().sum();
    assert_eq!(others, 0.0, "{}", scraped.text);
}

#[actix::test]
async fn g20_a_stream_lasts_until_its_trailers_and_one_that_the_drain_ends_is_counted_so() {
    let metrics = Metrics::new();
    let options = options().grpc_server(GrpcServerOptions::new().stream_grace(ms(100)));
    let (mut observed, mut held) = serve(options, &metrics);
    let channel = connect(observed.grpc_address().await).await;
    let mut stream = endless(channel).await;
    held.entered("Endless").await;
    let open = Scraped::of(&metrics);
    assert_eq!(open.labels(COUNT).len(), 0, "it is not over: {}", open.text);

    observed.shut_down();
    let ended = support::within("the end of the stream", stream.message()).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
    observed.ended().await.assert_ok();
    let after = Scraped::of(&metrics);
    assert_eq!(after.calls("test.Calls/Endless", "UNAVAILABLE"), 1.0, "{}", after.text);
    assert_eq!(after.ended("grpc", "drain"), 1.0);
    let labels = [
        ("error_type", "UNAVAILABLE"),
        ("rpc_method", "test.Calls/Endless"),
        ("rpc_response_status_code", "UNAVAILABLE"),
        ("rpc_system_name", "grpc"),
    ];
    let lasted = after.value("rpc_server_call_duration_seconds_sum", &labels);
    assert!(lasted >= 0.1, "{lasted} s");
}

#[actix::test]
async fn g08_calls_that_the_drain_calls_off_are_counted_so() {
    let metrics = Metrics::new();
    let (mut observed, mut held) = serve(options().max_shutdown_duration(ms(1500)), &metrics);
    let channel = connect(observed.grpc_address().await).await;
    let call = start_call(channel, "Hold");
    held.entered("Hold").await;
    observed.shut_down();
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::Unavailable);
    observed.ended().await.assert_exit_code(3);
    let after = Scraped::of(&metrics);
    assert_eq!(after.calls(HOLD, "UNAVAILABLE"), 1.0, "{}", after.text);
    assert_eq!(after.ended("grpc", "drain"), 1.0);
}

#[actix::test]
async fn what_is_no_call_of_grpc_is_a_refusal_and_makes_no_series_of_its_own() {
    let metrics = Metrics::new();
    let (observed, _held) = serve(options().without_grpc_logging(), &metrics);
    let at = observed.grpc_address().await;
    let request = web::call(at, "/test.Calls/Hold", "text/plain", Vec::new());
    assert_eq!(web::send(at, http::Version::HTTP_2, request).await.status(), 415);
    let scraped = Scraped::from(address(&observed).await).await;
    assert_eq!(scraped.calls(HOLD, "INVALID_ARGUMENT"), 1.0, "{}", scraped.text);
    assert_eq!(scraped.ended("grpc", "refusal"), 1.0);
}

#[actix::test]
async fn calls_are_told_by_the_names_of_go_grpc_prometheus_where_these_are_wanted() {
    let metrics = Metrics::with_go_grpc_prometheus_names();
    let (observed, mut held) = serve(options(), &metrics);
    let channel = connect(observed.grpc_address().await).await;
    held.go.open();
    unary(channel.clone(), "Hold").await.unwrap();
    let stream = endless(channel.clone()).await;
    held.entered("Hold").await;
    let scraped = Scraped::from(address(&observed).await).await;
    let of = |name: &str, kind, method, more: &[(&str, &str)]| {
        let mut labels = vec![("grpc_type", kind), ("grpc_service", "test.Calls"), ("grpc_method", method)];
        labels.extend(more);
        scraped.get(name, &labels)
    };
    let hold = |name: &str, more: &[(&str, &str)]| of(name, "unary", "Hold", more);
    assert_eq!(hold("grpc_server_started_total", &[]), Some(1.0), "{}", scraped.text);
    assert_eq!(hold("grpc_server_handled_total", &[("grpc_code", "OK")]), Some(1.0));
    assert_eq!(hold("grpc_server_msg_received_total", &[]), Some(1.0));
    assert_eq!(hold("grpc_server_msg_sent_total", &[]), Some(1.0));
    assert_eq!(hold("grpc_server_handling_seconds_count", &[]), Some(1.0));
    assert_eq!(hold("grpc_server_handling_seconds_bucket", &[("le", "+Inf")]), Some(1.0));
    assert_eq!(hold("grpc_server_handling_seconds_bucket", &[("le", "0.075")]), None);
    let endless = |name: &str| of(name, "server_stream", "Endless", &[]);
    assert_eq!(endless("grpc_server_started_total"), Some(1.0));
    assert_eq!(endless("grpc_server_msg_sent_total"), Some(1.0));
    assert_eq!(endless("grpc_server_handling_seconds_count"), Some(0.0));
    assert_eq!(scraped.calls(HOLD, "OK"), 1.0, "the others are there, too");
    drop(stream);

    let without = Scraped::of(&Metrics::new());
    assert!(!without.text.contains("grpc_server_"), "{}", without.text);
}
