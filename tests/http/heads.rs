//! G17, G19: heads of requests: which are refused, and what becomes of those that do not come whole.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use majordomo::http::HttpServerOptions;
use support::{Observed, ms, options};
use tokio::time::Instant;

use crate::peers::{Client, serve, serve_with};

const HALF: &str = "GET /half HTTP/1.1\r\nHo";
const REST: &str = "st: test\r\n\r\n";

/// Says which host a request is for.
fn hosts() -> Router {
    let host = |request: Request| async move {
        let host = request.headers().get("host").map(|host| host.as_bytes().to_vec());
        String::from_utf8(host.unwrap_or_default()).unwrap()
    };
    Router::new().fallback(any(host))
}

/// One worker, so that what was sent before another's request has been read when that is answered.
async fn one_worker(server: HttpServerOptions) -> (Observed, SocketAddr) {
    serve_with(options(), server.workers(1), hosts()).await
}

/// Half a head has been read, on a connection of its own or after a request.
async fn half_sent(at: SocketAddr, after_a_request: bool) -> Client {
    let mut client = Client::connect(at).await;
    if after_a_request {
        assert_eq!(client.get("/").await.status, 200);
    }
    client.send(HALF).await;
    assert_eq!(Client::connect(at).await.get("/").await.status, 200);
    client
}

#[actix::test]
async fn g17_heads_that_could_be_read_in_two_ways_are_refused() {
    let (mut observed, at) = serve(hosts()).await;
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (status, first, headers) in [
        (200, "GET / HTTP/1.1", "Host: a\r\n".to_owned()),
        (200, "GET / HTTP/1.0", String::new()),
        (200, "OPTIONS * HTTP/1.1", "Host: a\r\n".to_owned()),
        (400, "GET / HTTP/1.1", String::new()),
        (400, "GET / HTTP/1.1", "Host: a\r\nHost: a\r\n".to_owned()),
        (400, "GET / HTTP/1.1", "Host: a/b\r\n".to_owned()),
        (400, "GET * HTTP/1.1", "Host: a\r\n".to_owned()),
        (400, "GET http://user@a/ HTTP/1.1", "Host: a\r\n".to_owned()),
        (400, "CONNECT / HTTP/1.1", "Host: a\r\n".to_owned()),
        (400, "POST / HTTP/1.1", format!("Host: a\r\n{chunked}{chunked}")),
        (400, "POST / HTTP/1.0", chunked.to_owned()),
        (501, "POST / HTTP/1.1", "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n".to_owned()),
    ] {
        let mut client = Client::connect(at).await;
        client.send(&format!("{first}\r\n{headers}\r\n")).await;
        let came = client.answer().await;
        assert_eq!(came.status, status, "{first} {headers:?}");
        if status >= 400 {
            assert!(came.head.contains("connection: close"), "{}", came.head);
            assert_eq!(client.rest().await, "");
        }
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g17_a_target_that_names_a_host_overrides_another() {
    let (mut observed, at) = serve(hosts()).await;
    let mut client = Client::connect(at).await;
    client.send("GET http://real.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n").await;
    let came = client.answer().await;
    assert_eq!((came.status, &*came.body), (200, "real.example"));
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g17_half_a_head_is_answered_408_in_time_and_an_idle_connection_closed() {
    let (mut observed, at) = one_worker(HttpServerOptions::new().head_timeout(ms(300))).await;
    for after_a_request in [false, true] {
        let mut half = half_sent(at, after_a_request).await;
        let came = half.answer().await;
        assert_eq!(came.status, 408, "{came:?}");
        assert!(came.head.contains("connection: close") && came.head.contains("date: "), "{}", came.head);
        assert_eq!(half.rest().await, "");
    }
    let mut idle = Client::connect(at).await;
    assert_eq!(idle.get("/").await.status, 200);
    assert_eq!(idle.rest().await, "");
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g19_a_head_that_was_on_its_way_when_the_drain_began_is_answered() {
    for after_a_request in [false, true] {
        let (mut observed, at) = one_worker(HttpServerOptions::new()).await;
        let mut half = half_sent(at, after_a_request).await;
        observed.shut_down();
        // Nobody is accepted any more: the drain has begun.
        while tokio::net::TcpStream::connect(at).await.is_ok() {}
        half.send(REST).await;
        let came = half.answer().await;
        assert_eq!((came.status, &*came.body), (200, "test"));
        assert!(came.head.contains("connection: close"), "{}", came.head);
        assert_eq!(half.rest().await, "");
        observed.ended().await.assert_ok();
    }
}

#[actix::test]
async fn g19_half_a_head_is_answered_408_in_a_drain_and_does_not_hold_it_up() {
    for after_a_request in [false, true] {
        let manager = options().max_shutdown_duration(ms(2000));
        let (mut observed, at) = serve_with(manager, HttpServerOptions::new().workers(1), hosts()).await;
        let mut half = half_sent(at, after_a_request).await;
        let asked = Instant::now();
        observed.shut_down();
        assert_eq!(half.answer().await.status, 408);
        assert_eq!(half.rest().await, "");
        drop(half);
        observed.ended().await.assert_ok();
        assert!(asked.elapsed() < ms(1500), "{:?}", asked.elapsed());
    }
}

#[actix::test]
async fn g19_who_connected_just_before_the_drain_is_answered() {
    let (mut observed, at) = one_worker(HttpServerOptions::new()).await;
    let mut silent = Client::connect(at).await;
    // It has been accepted.
    assert_eq!(Client::connect(at).await.get("/").await.status, 200);
    observed.shut_down();
    while tokio::net::TcpStream::connect(at).await.is_ok() {}
    let came = silent.get("/").await;
    assert!(came.status == 200 && came.head.contains("connection: close"), "{came:?}");
    observed.ended().await.assert_ok();
}
