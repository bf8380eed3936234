//! G8, G9, G19, G20: how an HTTP server comes to its end.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::MatchedPath;
use axum::http::Extensions;
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::stream;
use majordomo::http::{HttpServerOptions, name_routes};
use majordomo::http_service;
use support::crowd::{Crowd, GET, ROUNDS, is_200, nobody_is_lost};
use support::{Gate, any_server, ms, observe, options, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::peers::{Client, serve, serve_with};

/// Answers when the gate opens.
fn gated(gate: &Gate) -> Router {
    let gate = gate.clone();
    let slow = move || async move {
        gate.passed().await;
        "late"
    };
    Router::new().route("/", get(|| async { "hello" })).route("/slow", get(slow))
}

/// Never ends.
fn endless(kind: &'static str) -> Response {
    let ticks = stream::unfold((), |()| async {
        tokio::time::sleep(ms(5)).await;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b"data: x\n\n")), ()))
    });
    let body = Body::from_stream(ticks);
    Response::builder().header("content-type", kind).body(body).unwrap()
}

#[actix::test]
async fn g19_a_request_finishes_and_its_answer_says_that_the_connection_ends() {
    let gate = Gate::new();
    any_server::finishes_its_requests(serve(gated(&gate)).await, &gate).await;
}

#[actix::test]
async fn g19_from_the_drain_delay_on_answers_say_that_the_connection_ends() {
    let manager = options().drain_delay(any_server::DELAY);
    any_server::says_that_connections_end(
        serve_with(manager, HttpServerOptions::new(), gated(&Gate::new())).await,
    )
    .await;
}

#[actix::test]
async fn g20_events_end_in_order_after_their_grace_which_is_no_failure() {
    let router = Router::new().route("/events", get(|| async { endless("text/event-stream") }));
    let server = HttpServerOptions::new().stream_grace(ms(100));
    let (mut observed, at) = serve_with(options(), server, router).await;
    let mut client = Client::connect(at).await;
    client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.head().await.0, 200);
    observed.shut_down();
    let rest = client.rest().await;
    assert!(rest.ends_with("\r\n0\r\n\r\n"), "its end is in order: {rest:?}");
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.service("web").streams_ended, 1);
    assert!(ended.took.unwrap() < Duration::from_secs(2));
}

#[actix::test]
async fn g20_a_connection_that_was_upgraded_ends_after_the_grace() {
    for (first, headers, status) in [
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: echo\r\n", 101),
        ("CONNECT test:443 HTTP/1.1", "", 200),
    ] {
        upgraded_ends_after_the_grace(first, headers, status).await;
    }
}

async fn upgraded_ends_after_the_grace(first: &str, headers: &str, status: u16) {
    let upgrade = move |mut request: axum::extract::Request| async move {
        let upgraded = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut io = hyper_util::rt::TokioIo::new(upgraded.await.unwrap());
            let mut chunk = [0; 16];
            while let Ok(bytes @ 1..) = io.read(&mut chunk).await {
                io.write_all(&chunk[..bytes]).await.unwrap();
            }
        });
        let switch =
            Response::builder().status(status).header("connection", "upgrade").header("upgrade", "echo");
        switch.body(Body::empty()).unwrap()
    };
    let server = HttpServerOptions::new().stream_grace(ms(100));
    let (mut observed, at) = serve_with(options(), server, Router::new().fallback(upgrade)).await;
    let mut client = Client::connect(at).await;
    client.send(&format!("{first}\r\nHost: test\r\n{headers}\r\n")).await;
    assert_eq!(client.head().await.0, status);
    client.send("abc").await;
    let mut echo = [0; 3];
    within("the echo", client.0.read_exact(&mut echo)).await.unwrap();
    assert_eq!(&echo, b"abc");
    assert_eq!(observed.status().await.services[0].http.as_ref().unwrap().open(), 1, "it counts as open");
    observed.shut_down();
    assert_eq!(client.rest().await, "");
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.service("web").streams_ended, 1);
}

#[actix::test]
async fn g09_what_is_left_at_the_deadline_is_cut_and_named() {
    let gate = Gate::new();
    // A request under a route is called by that, whatever its path says.
    let by_route = name_routes(|request: &Extensions| request.get::<MatchedPath>().map(MatchedPath::as_str));
    let router = Router::new().nest("/users/{id}", gated(&gate)).route_layer(by_route);
    let (mut observed, at) =
        serve_with(options().max_shutdown_duration(ms(1500)), HttpServerOptions::new(), router).await;
    let mut client = Client::connect(at).await;
    client.send("GET /users/secret/slow?secret=1 HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    observed.shut_down();
    let came = client.answer().await;
    assert_eq!(came.status, 503, "{came:?}");
    assert!(came.head.contains("retry-after") && came.head.contains("connection: close"), "{}", came.head);
    let ended = observed.ended().await;
    let error = ended.result.as_ref().unwrap_err();
    assert_eq!(error.exit_code(), 3);
    let text = error.to_string();
    assert!(text.contains("web") && !text.contains("secret"), "{text}");
    assert!(text.contains("GET /users/{id}/slow"), "{text}");
}

#[actix::test]
async fn g19_whoever_is_connected_when_the_drain_begins_is_answered() {
    for _ in 0..ROUNDS {
        let (observed, at) = serve(gated(&Gate::new())).await;
        let connect = move || std::net::TcpStream::connect(at);
        nobody_is_lost(observed, Crowd::begin(connect, GET, is_200)).await;
    }
}

#[actix::test]
async fn g19_whoever_is_connected_to_a_unix_socket_when_the_drain_begins_is_answered() {
    let folder = support::Folder::new();
    for _ in 0..ROUNDS {
        let path = folder.path("web.sock");
        let web = http_service("web", format!("unix:{}", path.display()), gated(&Gate::new()));
        let observed = observe(options(), |manager| manager.service(web));
        observed.running().await;
        let crowd = Crowd::begin(move || std::os::unix::net::UnixStream::connect(&path), GET, is_200);
        nobody_is_lost(observed, crowd).await;
    }
}

#[actix::test]
async fn g19_idle_half_sent_and_unread_connections_hold_up_no_end() {
    let big = || async { vec![b'x'; 64 << 20] };
    let upload = |_: Bytes| async { "got it" };
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/big", get(big))
        .route("/upload", post(upload));
    let (mut observed, at) =
        serve_with(options().max_shutdown_duration(Duration::from_secs(4)), HttpServerOptions::new(), router)
            .await;
    let mut idle = Client::connect(at).await;
    assert_eq!(idle.get("/").await.status, 200);
    let mut half = Client::connect(at).await;
    half.send("GET / HTTP/1.1\r\nHo").await;
    let mut slow = Client::connect(at).await;
    slow.send("GET /big HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(slow.head().await.0, 200);
    let asked = Instant::now();
    observed.shut_down();
    assert_eq!(idle.rest().await, "");
    observed.ended().await.assert_ok();
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
}

#[actix::test]
async fn g09_a_server_that_is_forced_is_told_with_what_it_carried() {
    let gate = Gate::new();
    let (mut observed, at) = serve(gated(&gate)).await;
    let mut client = Client::connect(at).await;
    client.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").await;
    gate.arrived().await;
    observed.force();
    let ended = observed.ended().await;
    let text = ended.result.as_ref().unwrap_err().to_string();
    assert!(text.contains("web") && text.contains("GET /slow"), "{text}");
}
