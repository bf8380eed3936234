//! What the gRPC server logs of calls, seen by a subscriber of the manager's own.

use crate::logged::{Client, Recorder, Texts};
use crate::logged::{FINISHED, OPENED, PANICKED, Served, messages};
use majordomo::api_errors::ErrorGenerator;
use majordomo::ping::PingClient;
use majordomo::{GrpcLogging, GrpcServerOptions, ManagerOptions};
use support::{Registers, connect, ms, observe, serving, within};
use tonic::Code;
use tracing::Level;

#[actix::test]
async fn a_call_is_one_event_with_all_that_is_known_of_it() {
    let served = Served::debug().await;
    served.client.unary("Echo", "hello").await.unwrap();
    let finished = served.finished().await;
    assert_eq!(finished.stable(), "DEBUG gRPC call finished: kind=unary method=/test.Texts/Echo status=OK");
    assert!(finished.get("peer").starts_with("127.0.0.1:"), "{finished}");
    let elapsed: f64 = finished.get("elapsed_ms").parse().unwrap();
    assert!((0.0..10_000.0).contains(&elapsed), "{finished}");
    let id = finished.get("call_id");
    assert!(id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{finished}");
    assert_eq!(served.recorder.all().len(), 1);

    PingClient::new(served.client.0.clone()).ping(()).await.unwrap();
    let ping = served.recorder.wait(FINISHED, 2).await.remove(1);
    assert_eq!(ping.stable(), "DEBUG gRPC call finished: kind=unary method=/pkping.Ping/Ping status=OK");
    assert_ne!(ping.get("call_id"), id);
}

#[actix::test]
async fn nothing_is_recorded_where_nobody_listens_or_logging_is_off() {
    let quiet = Served::new(Level::INFO, |options| options).await;
    let without = Served::new(Level::TRACE, ManagerOptions::without_grpc_logging).await;
    let off = GrpcLogging::new().calls(None).errors(false);
    let off = Served::logging(Level::TRACE, off).await;
    for served in [&quiet, &without, &off] {
        served.client.unary("Echo", "hello").await.unwrap();
        served.client.stream("Chat", tokio_stream::iter(["hello"])).await.unwrap();
        assert_eq!(served.client.unary("Miss", "").await.unwrap_err().code(), Code::NotFound);
    }
    for served in [&without, &off] {
        served.client.unary("Fail", "").await.unwrap_err();
    }
    for served in [quiet, without, off] {
        assert!(served.recorder.all().is_empty(), "{:#?}", served.recorder.all());
    }
}

#[actix::test]
async fn an_error_is_logged_with_its_message_and_its_sources() {
    let served = Served::debug().await;
    served.client.unary("Miss", "").await.unwrap_err();
    let missed = served.finished().await;
    assert_eq!(
        missed.stable(),
        "DEBUG gRPC call finished: ended_by=handler error=no such text kind=unary method=/test.Texts/Miss \
         status=NOT_FOUND"
    );
    served.client.unary("Fail", "").await.unwrap_err();
    let failed = served.recorder.wait(FINISHED, 2).await.remove(1);
    assert_eq!(
        failed.stable(),
        "ERROR gRPC call finished: ended_by=handler error=cannot write kind=unary method=/test.Texts/Fail \
         sources=the file is closed: the disk is full status=INTERNAL"
    );
}

#[actix::test]
async fn an_error_that_is_made_rich_is_logged_with_all_its_sources_whatever_callers_see() {
    let rich = |options: ManagerOptions| options.error_generator(ErrorGenerator::new("texts"));
    let served = Served::new(Level::DEBUG, rich).await;
    served.client.unary("Fail", "").await.unwrap_err();
    assert_eq!(
        served.finished().await.stable(),
        "ERROR gRPC call finished: ended_by=handler error=(Unknown | GRPEAKEC | 1000) an unknown error occurred: cannot \
         write kind=unary method=/test.Texts/Fail sources=the file is closed: the disk is full status=INTERNAL"
    );
}

#[actix::test]
async fn a_servers_fault_is_logged_also_where_calls_are_not() {
    let served = Served::logging(Level::INFO, GrpcLogging::new().error_trace(false)).await;
    served.client.unary("Miss", "").await.unwrap_err();
    served.client.unary("Fail", "").await.unwrap_err();
    // The method is described by nothing: a client's mistake is not the server's fault.
    served.client.unary("Nothing", "").await.unwrap_err();
    let failed = served.finished().await;
    assert_eq!(
        failed.stable(),
        "ERROR gRPC call finished: ended_by=handler error=cannot write kind=unary method=/test.Texts/Fail \
         status=INTERNAL"
    );
    assert_eq!((failed.get("call_id").len(), failed.has("peer").is_some()), (16, true));

    let silent = Served::logging(Level::DEBUG, GrpcLogging::new().errors(false)).await;
    silent.client.unary("Fail", "").await.unwrap_err();
    let failed = silent.finished().await;
    assert_eq!(
        failed.stable(),
        "DEBUG gRPC call finished: ended_by=handler kind=unary method=/test.Texts/Fail status=INTERNAL"
    );
}

/// Sends a request of these bytes, as no client of gRPC does; `None`: it is broken off instead.
async fn raw(served: &Served, encoding: Option<&str>, bytes: Option<&'static [u8]>) {
    let tcp = tokio::net::TcpStream::connect(served.address().await).await.unwrap();
    let (sender, mut connection) = h2::client::handshake(tcp).await.unwrap();
    let mut pings = connection.ping_pong().unwrap();
    let driving = tokio::spawn(connection);
    let mut request =
        http::Request::post("http://test/test.Texts/Echo").header("content-type", "application/grpc");
    if let Some(encoding) = encoding {
        request = request.header("grpc-encoding", encoding);
    }
    let mut sender = sender.ready().await.unwrap();
    let (response, mut stream) = sender.send_request(request.body(()).unwrap(), false).unwrap();
    match bytes {
        Some(bytes) => stream.send_data(bytes.into(), true).unwrap(),
        None => {
            stream.send_data(vec![0, 0].into(), false).unwrap();
            // The call has arrived when this has.
            within("the pong", pings.ping(h2::Ping::opaque())).await.unwrap();
            stream.send_reset(h2::Reason::PROTOCOL_ERROR);
        }
    }
    // It may have been reset.
    let _ = within("the answer", response).await;
    drop((sender, driving));
}

#[actix::test]
async fn g17_who_sends_broken_requests_fills_no_log_with_errors() {
    broken_requests_are_no_errors(Served::debug().await).await;
}

#[actix::test]
async fn g17_broken_requests_are_no_errors_in_the_log_where_errors_are_rich_either() {
    let rich = |options: ManagerOptions| options.error_generator(ErrorGenerator::new("texts"));
    broken_requests_are_no_errors(Served::new(Level::DEBUG, rich).await).await;
}

async fn broken_requests_are_no_errors(served: Served) {
    type Broken = (&'static str, Option<&'static str>, Option<&'static [u8]>);
    let broken: [Broken; 9] = [
        ("a bad flag", None, Some(&[2, 0, 0, 0, 0])),
        ("compressed by nothing", None, Some(&[1, 0, 0, 0, 1, 0])),
        ("an unknown encoding", Some("snappy"), Some(&[0, 0, 0, 0, 0])),
        ("broken gzip", Some("gzip"), Some(&[1, 0, 0, 0, 3, 1, 2, 3])),
        ("broken protobuf", None, Some(&[0, 0, 0, 0, 2, 0x0a, 0x7f])),
        ("a message that is cut off", None, Some(&[0, 0, 0, 0, 9, 1])),
        ("no message", None, Some(&[])),
        ("too large a message", None, Some(&[0, 0xff, 0xff, 0xff, 0xff])),
        ("broken off", None, None),
    ];
    for (at, (what, encoding, bytes)) in broken.into_iter().enumerate() {
        raw(&served, encoding, bytes).await;
        let mut all = served.recorder.wait(FINISHED, at + 1).await;
        assert_eq!(all.len(), at + 1, "{what}");
        let finished = all.remove(at);
        assert_eq!(finished.level, Level::DEBUG, "{what}: {finished}");
        assert_ne!(finished.get("status"), "OK", "{what}");
        let by = finished.get("ended_by");
        let expected = match what {
            "too large a message" => ["handler", "handler"],
            // Whoever finds out first.
            "broken off" => ["request", "client"],
            _ => ["request", "request"],
        };
        assert!(expected.contains(&by), "{what}: {finished}");
    }
}

#[actix::test]
async fn a_call_that_the_client_cancels_is_logged_as_cancelled_and_its_handlers_last_words_are_its() {
    let mut served = Served::debug().await;
    let client = served.client.clone();
    let call = tokio::spawn(async move { client.unary("Hold", "").await });
    served.held.entered().await;
    call.abort();
    let finished = served.finished().await;
    assert_eq!(
        finished.stable(),
        "DEBUG gRPC call finished: ended_by=client error=the client cancelled the call, or went kind=unary \
         method=/test.Texts/Hold status=CANCELLED"
    );
    let dropped = served.recorder.one("dropped").await;
    assert_eq!(dropped.in_call(), finished.get("call_id"));
}

#[actix::test]
async fn a_stream_that_the_client_lets_go_of_is_logged_as_cancelled() {
    let served = Served::debug().await;
    let client = served.client.clone();
    let call = tokio::spawn(async move { client.stream("Forever", tokio_stream::iter(["one"])).await });
    let opened = served.recorder.one(OPENED).await;
    call.abort();
    let finished = served.finished().await;
    assert_eq!((finished.get("ended_by"), finished.get("status")), ("client", "CANCELLED"));
    assert_eq!(finished.get("call_id"), opened.get("call_id"));
}

#[actix::test]
async fn a_call_that_is_shed_is_logged_as_such() {
    let one = GrpcServerOptions::new().max_concurrent_calls(1);
    let mut served = Served::new(Level::DEBUG, |options| options.grpc_server(one)).await;
    let client = served.client.clone();
    let held = tokio::spawn(async move { client.unary("Hold", "").await });
    served.held.entered().await;
    let refused = served.client.unary("Echo", "").await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let finished = served.finished().await;
    assert_eq!(
        finished.stable(),
        "DEBUG gRPC call finished: ended_by=shedding error=the server has as many calls open as it may: try again later \
         kind=unary method=/test.Texts/Echo status=RESOURCE_EXHAUSTED"
    );
    served.held.go.open();
    within("the first call", held).await.unwrap().unwrap();
}

#[actix::test]
async fn a_call_that_reaches_its_deadline_is_logged_as_such() {
    let short = GrpcServerOptions::new().request_timeout(ms(20));
    let served = Served::new(Level::DEBUG, |options| options.grpc_server(short)).await;
    let late = served.client.unary("Hold", "").await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    let finished = served.finished().await;
    assert_eq!(
        finished.stable(),
        "DEBUG gRPC call finished: ended_by=deadline error=the server's request timeout has passed kind=unary \
         method=/test.Texts/Hold status=DEADLINE_EXCEEDED"
    );
}

#[actix::test]
async fn a_call_whose_answer_is_too_long_or_whose_headers_are_malformed_is_logged_as_such() {
    let small = GrpcServerOptions::new().max_encoding_message_size(10);
    let served = Served::new(Level::DEBUG, |options| options.grpc_server(small)).await;
    served.client.unary("Echo", "longer than that").await.unwrap_err();
    let finished = served.finished().await;
    assert_eq!((finished.get("ended_by"), finished.get("status")), ("limit", "RESOURCE_EXHAUSTED"));
    served.client.timed("Echo", "soon").await.unwrap_err();
    let finished = served.recorder.wait(FINISHED, 2).await.remove(1);
    // The client's fault, whatever its status.
    assert_eq!(
        finished.stable(),
        "DEBUG gRPC call finished: ended_by=refusal error=malformed grpc-timeout: \"soon\": send 1 to 8 digits and \
         one of H, M, S, m, u, n kind=unary method=/test.Texts/Echo status=INTERNAL"
    );
}

#[actix::test]
async fn a_call_that_outlives_its_connections_grace_is_logged_as_cut() {
    let short = GrpcServerOptions::new().max_connection_age(ms(20)).max_connection_age_grace(ms(20));
    let served = Served::new(Level::DEBUG, |options| options.grpc_server(short)).await;
    served.client.unary("Hold", "").await.unwrap_err();
    let finished = served.finished().await;
    assert_eq!((finished.get("ended_by"), finished.get("status")), ("cut", "UNAVAILABLE"));
}

#[actix::test]
async fn a_subscriber_that_panics_costs_no_call_anything() {
    let recorder = Recorder::new(Level::DEBUG);
    let (texts, _held) = Texts::new();
    let options = serving().dispatch(recorder.panicking()).grpc_logging(messages().calls(Level::DEBUG));
    let service = Registers::new("texts", move |server| texts.register(server));
    let observed = observe(options, |manager| manager.grpc_service(service));
    let client = Client(connect(&observed).await);
    assert_eq!(client.unary("Echo", "hello").await.unwrap(), "hello");
    assert_eq!(client.stream("Chat", tokio_stream::iter(["one", "two"])).await.unwrap(), ["one", "two"]);
    assert_eq!(recorder.those(FINISHED).len(), 2);
}

#[actix::test]
async fn a_call_on_a_server_that_is_forced_is_logged_as_cut() {
    let mut served = Served::debug().await;
    let client = served.client.clone();
    let held = tokio::spawn(async move { client.unary("Hold", "").await });
    served.held.entered().await;
    served.observed.force();
    within("the answer", held).await.unwrap().unwrap_err();
    let finished = served.finished().await;
    assert_eq!((finished.get("ended_by"), finished.get("status")), ("cut", "UNAVAILABLE"));
}

#[actix::test]
async fn g11_a_panic_in_a_handler_is_logged_with_its_place_and_its_call() {
    panics_are_logged(&Served::debug().await, "INTERNAL").await;
}

#[actix::test]
async fn g11_a_panic_that_is_answered_as_a_rich_error_is_logged_the_same() {
    let rich = |options: ManagerOptions| options.error_generator(ErrorGenerator::new("texts"));
    panics_are_logged(&Served::new(Level::DEBUG, rich).await, "UNKNOWN").await;
}

async fn panics_are_logged(served: &Served, status: &str) {
    served.client.unary("Panic", "").await.unwrap_err();
    served.client.stream("PanicLate", tokio_stream::iter(["one two"])).await.unwrap_err();
    let panics = served.recorder.wait(PANICKED, 2).await;
    let calls = served.recorder.wait(FINISHED, 2).await;
    for ((panic, call), message) in panics.iter().zip(&calls).zip(["on purpose", "late on purpose"]) {
        assert_eq!((panic.level, panic.get("panic")), (Level::ERROR, message));
        assert!(panic.get("location").starts_with("tests/grpc/logged/service.rs:"), "{panic}");
        assert_eq!(panic.get("call_id"), call.get("call_id"));
        assert_eq!(panic.get("method"), call.get("method"));
        assert_eq!((call.level, call.get("ended_by"), call.get("status")), (Level::ERROR, "panic", status));
    }
    assert_eq!(served.recorder.one("about to panic").await.in_call(), calls[1].get("call_id"));
}

#[actix::test]
async fn g11_a_panic_in_a_handler_is_logged_also_without_logging() {
    let served = Served::new(Level::ERROR, ManagerOptions::without_grpc_logging).await;
    served.client.unary("Panic", "").await.unwrap_err();
    let panic = served.recorder.one(PANICKED).await;
    assert!(panic.get("location").starts_with("tests/grpc/logged/service.rs:"), "{panic}");
    assert_eq!((panic.get("method"), panic.get("call_id").len()), ("/test.Texts/Panic", 16));
}

#[actix::test]
async fn events_of_handlers_carry_the_call_in_its_span() {
    let served = Served::debug().await;
    for _ in 0..2 {
        served.client.unary("Speak", "").await.unwrap();
    }
    let calls = served.recorder.wait(FINISHED, 2).await;
    for text in ["before", "after"] {
        let said = served.recorder.wait(text, 2).await;
        let ids = [said[0].in_call(), said[1].in_call()];
        assert_eq!(ids, [calls[0].get("call_id"), calls[1].get("call_id")]);
    }
    // In no span, but on the same thread.
    assert_eq!(served.recorder.wait("spawned", 2).await.len(), 2);
}
