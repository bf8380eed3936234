//! G1, G17, G19: what is refused, and how that is said.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use majordomo::http::{Body, HttpServerOptions};
use majordomo::{AddService, ConfigError, Manager, ManagerOptions, http_service};
use support::{Gate, ms, observe, options, within};
use tracing_subscriber::layer::SubscriberExt;

use crate::peers::{Client, address, serve_with};

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/", post(|body: Bytes| async move { body.len().to_string() }))
}

async fn answered(server: HttpServerOptions, request: &str) -> u16 {
    let (mut observed, at) = serve_with(options(), server, router()).await;
    let mut client = Client::connect(at).await;
    client.send(request).await;
    let status = client.answer().await.status;
    // A client beside it is served.
    assert_eq!(Client::connect(at).await.get("/").await.status, 200);
    drop(client);
    observed.shut_down();
    observed.ended().await.assert_ok();
    status
}

#[actix::test]
async fn g17_bodies_that_are_too_long_are_answered_413() {
    let server = || HttpServerOptions::new().max_body_size(10);
    let post = |rest: &str| format!("POST / HTTP/1.1\r\nHost: test\r\n{rest}");
    assert_eq!(answered(server(), &post("Content-Length: 10\r\n\r\n0123456789")).await, 200);
    assert_eq!(answered(server(), &post("Content-Length: 11\r\n\r\n")).await, 413);
    let chunked = "Transfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n";
    assert_eq!(answered(server(), &post(chunked)).await, 413);
}

#[actix::test]
async fn g17_heads_that_cannot_be_understood_are_answered_400_and_those_that_are_too_long_431() {
    let plain = HttpServerOptions::new;
    let long = format!("GET / HTTP/1.1\r\nHost: test\r\nA: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(answered(plain(), &long).await, 431);
    for broken in [
        "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET / HTTP/1.1\r\nHo st: test\r\n\r\n",
        "\x01\x02\x03 / HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(answered(plain(), broken).await, 400, "{broken:?}");
    }
}

#[actix::test]
async fn g17_slow_heads_and_slow_bodies_are_ended() {
    let server = HttpServerOptions::new().head_timeout(ms(200)).body_timeout(ms(200));
    let (mut observed, at) = serve_with(options(), server, router()).await;
    let mut head = Client::connect(at).await;
    head.send("GET / HTTP/1.1\r\nHo").await;
    let mut body = Client::connect(at).await;
    body.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nabc").await;
    let came = body.answer().await;
    assert!(came.status == 400 || came.status == 408, "{came:?}");
    let rest = head.rest().await;
    assert!(rest.is_empty() || rest.contains("408"), "{rest}");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g17_requests_over_the_limit_are_answered_503_and_those_that_take_too_long_504() {
    let gate = Gate::new();
    let held = gate.clone();
    let slow = move || async move {
        held.passed().await;
        "late"
    };
    let server = HttpServerOptions::new().max_concurrent_requests(1).request_timeout(Duration::from_secs(1));
    let (mut observed, at) = serve_with(options(), server, Router::new().route("/", get(slow))).await;
    let mut first = Client::connect(at).await;
    first.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    let came = Client::connect(at).await.get("/").await;
    assert!(came.status == 503 && came.head.contains("retry-after"), "{came:?}");
    assert_eq!(first.answer().await.status, 504);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

fn refused(build: impl FnOnce(Manager) -> Manager) -> String {
    let error: ConfigError = build(Manager::new(ManagerOptions::new())).plan().expect_err("it can work");
    error.to_string()
}

#[test]
fn g01_what_cannot_work_is_refused_by_name_before_anything_starts() {
    let web = |address: &str| http_service("web", address.to_owned(), router());
    let said = refused(|manager| manager.service(web("nonsense")));
    assert!(said.contains("\"web\"") && said.contains("\"nonsense\"") && said.contains("no port"), "{said}");
    let said =
        refused(|manager| manager.service(web("127.0.0.1:0").options(HttpServerOptions::new().workers(0))));
    assert!(said.contains("\"web\"") && said.contains("HttpServerOptions::workers is 0"), "{said}");
    let other = http_service("other", "127.0.0.1:81", router());
    let said = refused(|manager| manager.service(web("127.0.0.1:81")).service(other));
    assert!(said.contains("\"web\" and \"other\"") && said.contains("127.0.0.1:81"), "{said}");
    let said = refused(|manager| manager.service(http_service("", "127.0.0.1:0", router())));
    assert!(said.contains("empty id"), "{said}");
}

/// Counts the errors of the log.
#[derive(Clone, Default)]
struct Errors(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Errors {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let is_error = *event.metadata().level() == tracing::Level::ERROR;
        self.0.fetch_add(usize::from(is_error), Ordering::Relaxed);
    }
}

#[actix::test]
async fn g17_a_body_that_is_broken_is_its_clients_fault_and_no_error_of_the_log() {
    let whole = tower::service_fn(|request: http::Request<Body>| async move {
        request.into_body().collect().await.map(|_| http::Response::new(Body::from("got it")))
    });
    let errors = Errors::default();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(errors.clone()));
    let web = http_service("web", "127.0.0.1:0", whole);
    let mut observed = observe(options().dispatch(dispatch), |manager| manager.service(web));
    observed.running().await;
    let mut client = Client::connect(address(&observed, "web").await).await;
    client.send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n").await;
    let rest = client.rest().await;
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 400"), "{rest}");
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!(errors.0.load(Ordering::Relaxed), 0);
}

#[actix::test]
async fn g17_an_answer_that_never_pauses_is_cut_when_its_time_is_over() {
    let flood = || async {
        let pieces =
            std::iter::repeat_with(|| Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 1024])));
        axum::body::Body::from_stream(futures_util::stream::iter(pieces))
    };
    let server = HttpServerOptions::new().request_timeout(ms(300));
    let (mut observed, at) = serve_with(options(), server, Router::new().route("/", get(flood))).await;
    let mut client = Client::connect(at).await;
    client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.head().await.0, 200);
    let rest = client.rest().await;
    assert!(!rest.ends_with("0\r\n\r\n"), "it looks whole");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g01_a_server_that_is_added_at_the_address_of_another_is_refused_by_both_names() {
    let options = options().grpc_ping_service(true).grpc_server_address("127.0.0.1:0");
    let options = options.operations(majordomo::Operations::new("0"));
    let mut observed =
        observe(options, |manager| manager.service(http_service("web", "127.0.0.1:0", router())));
    observed.running().await;
    let status = observed.status().await;
    let operations = status.operations_addresses[0].as_tcp().unwrap();
    let taken = [
        ("web", address(&observed, "web").await),
        (support::rpc::SERVER, status.grpc_address.unwrap()),
        ("the operations endpoint", operations),
    ];
    for (first, at) in taken {
        let added = AddService::new(http_service("late", at.to_string(), router()));
        let refused = within("the answer", observed.manager.send(added)).await.unwrap().unwrap_err();
        let text = refused.to_string();
        for word in [first, "late", &at.to_string(), "an address of its own"] {
            assert!(text.contains(word), "{word:?}: {text}");
        }
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
}
