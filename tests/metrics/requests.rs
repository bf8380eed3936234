//! Requests over HTTP: by method, route and status, and by what ended them.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::IntoResponse;
use axum::routing::get;
use futures_util::StreamExt;
use http::{Extensions, header};
use majordomo::http::{HttpServerOptions, name_routes};
use majordomo::metrics::Metrics;
use majordomo::{BoxError, ManagerOptions, RestartPolicy, RestartService, http_service, http_service_fn};
use support::{Client, Gate, Observed, ms, observe, options};

use crate::scraped::{Scraped, address, operations};

const COUNT: &str = "http_server_request_duration_seconds_count";

/// What a test holds of the routes.
#[derive(Default, Clone)]
struct Held {
    entered: Gate,
    go: Gate,
}

fn routes(held: &Held) -> Router {
    let hold = {
        let held = held.clone();
        move || async move {
            held.entered.open();
            held.go.passed().await;
            "held"
        }
    };
    let broken = || async {
        let parts = futures_util::stream::iter([Ok("some"), Err(std::io::Error::other("broken"))]);
        Body::from_stream(parts)
    };
    let events = || async {
        let first = futures_util::stream::iter([Ok::<_, Infallible>("data: 1\n\n")]);
        let body = Body::from_stream(first.chain(futures_util::stream::pending()));
        ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
    };
    let panics = || async {
        if true {
            panic!("a panic on purpose");
        }
    };
    let by_route = name_routes(|request: &Extensions| request.get::<MatchedPath>().map(MatchedPath::as_str));
    Router::new()
        .route("/users/{id}", get(|| async { "a user" }))
        .route("/hold", get(hold))
        .route("/broken", get(broken))
        .route("/events", get(events))
        .route("/panic", get(panics))
        .route_layer(by_route)
}

async fn serve(
    options: ManagerOptions,
    http: HttpServerOptions,
    metrics: &Metrics,
) -> (Observed, Held, std::net::SocketAddr) {
    let held = Held::default();
    let web = http_service("web", "127.0.0.1:0", routes(&held)).options(http);
    let observed = observe(options.operations(operations()).metrics(metrics), |m| m.service(web));
    observed.running().await;
    let at = support::address(&observed, "web").await;
    (observed, held, at)
}

/// How many requests there were with these labels, over HTTP/1.1.
fn count(scraped: &Scraped, method: &str, more: &[(&str, &str)]) -> f64 {
    let mut labels =
        vec![("http_request_method", method), ("network_protocol_version", "1.1"), ("url_scheme", "http")];
    labels.extend(more);
    scraped.get(COUNT, &labels).unwrap_or_default()
}

#[actix::test]
async fn g17_requests_are_counted_by_route_and_no_label_is_a_peers_choice() {
    let metrics = Metrics::new();
    let (observed, _held, web) = serve(options(), HttpServerOptions::new(), &metrics).await;
    let mut client = Client::connect(web).await;
    for at in 0..10_000 {
        // A route that is known, paths that are not, and methods that a peer invents.
        let came = match at % 10 {
            0 => client.get(&format!("/users/{at}")).await.status,
            1 => {
                client.send(&format!("M{at} /users/1 HTTP/1.1\r\nHost: test\r\n\r\n")).await;
                client.answer().await.status
            }
            _ => client.get(&format!("/random/{at}?secret={at}")).await.status,
        };
        assert_eq!(came, [200, 405, 404][(at % 10).min(2)]);
    }
    client.send("HEAD /users/1 HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.head().await.0, 200);
    let at = address(&observed).await;
    let scraped = Scraped::until(at, "all requests", |all| {
        count(all, "HEAD", &[("http_response_status_code", "200"), ("http_route", "/users/{id}")]) == 1.0
    })
    .await;
    let of = |method, more: &[_]| count(&scraped, method, more);
    assert_eq!(of("GET", &[("http_response_status_code", "200"), ("http_route", "/users/{id}")]), 1000.0);
    assert_eq!(of("GET", &[("http_response_status_code", "404")]), 8000.0, "{}", scraped.text);
    assert_eq!(scraped.labels(COUNT).len(), 4, "{}", scraped.text);
    assert!(!scraped.text.contains("secret"));
    assert_eq!(scraped.ended("http", "client"), 0.0, "all were sent to their ends");
}

#[actix::test]
async fn g11_panics_sheds_deadlines_and_answers_that_break_off_are_counted_as_what_they_are() {
    let metrics = Metrics::new();
    let http = HttpServerOptions::new().max_concurrent_requests(1).request_timeout(ms(200));
    let (observed, held, web) = serve(options(), http, &metrics).await;
    let at = address(&observed).await;
    assert_eq!(Client::connect(web).await.get("/panic").await.status, 500);
    let panicked = [("error_type", "500"), ("http_response_status_code", "500"), ("http_route", "/panic")];
    let scraped = Scraped::until(at, "the panic", |all| count(all, "GET", &panicked) == 1.0).await;
    assert_eq!(scraped.ended("http", "panic"), 1.0);

    let mut first = Client::connect(web).await;
    first.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n").await;
    held.entered.passed().await;
    assert_eq!(Client::connect(web).await.get("/users/1").await.status, 503);
    assert_eq!(first.answer().await.status, 504);
    let (shed, late) = ([("error_type", "503"), ("http_response_status_code", "503")], "504");
    let late = [("error_type", late), ("http_response_status_code", late), ("http_route", "/hold")];
    let scraped = Scraped::until(at, "the deadline", |all| count(all, "GET", &late) == 1.0).await;
    assert_eq!(count(&scraped, "GET", &shed), 1.0, "{}", scraped.text);
    assert_eq!((scraped.ended("http", "shedding"), scraped.ended("http", "deadline")), (1.0, 1.0));

    let mut client = Client::connect(web).await;
    client.send("GET /broken HTTP/1.1\r\nHost: test\r\n\r\n").await;
    client.rest().await;
    let broken = [("error_type", "failure"), ("http_response_status_code", "200"), ("http_route", "/broken")];
    Scraped::until(at, "the broken answer", |all| count(all, "GET", &broken) == 1.0).await;
}

#[actix::test]
async fn a_client_that_goes_is_counted_so_before_an_answer_and_in_one() {
    let metrics = Metrics::new();
    let (observed, held, web) = serve(options(), HttpServerOptions::new(), &metrics).await;
    let at = address(&observed).await;
    let mut client = Client::connect(web).await;
    client.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n").await;
    held.entered.passed().await;
    drop(client);
    let gone = [("error_type", "client"), ("http_route", "/hold")];
    Scraped::until(at, "the client that went", |all| count(all, "GET", &gone) == 1.0).await;

    let mut client = Client::connect(web).await;
    client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.head().await.0, 200);
    let carried = Scraped::from(at).await;
    assert_eq!(carried.value("majordomo_open_calls", &[("service", "web")]), 1.0);
    drop(client);
    let gone = [("error_type", "client"), ("http_response_status_code", "200"), ("http_route", "/events")];
    let scraped = Scraped::until(at, "the end of the events", |all| count(all, "GET", &gone) == 1.0).await;
    assert_eq!(scraped.ended("http", "client"), 2.0);
}

#[actix::test]
async fn g20_an_endless_answer_that_the_drain_ends_is_no_error() {
    let metrics = Metrics::new();
    let http = HttpServerOptions::new().stream_grace(ms(100));
    let (mut observed, _held, web) = serve(options(), http, &metrics).await;
    let mut client = Client::connect(web).await;
    client.send("GET /events HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(client.head().await.0, 200);
    observed.shut_down();
    client.rest().await;
    observed.ended().await.assert_ok();
    let after = Scraped::of(&metrics);
    let ended = [("http_response_status_code", "200"), ("http_route", "/events")];
    assert_eq!(count(&after, "GET", &ended), 1.0, "{}", after.text);
    assert_eq!(after.ended("http", "drain"), 1.0);
}

#[actix::test]
async fn g19_what_was_counted_outlasts_a_restart_of_the_server_and_http_2_is_told_apart() {
    let metrics = Metrics::new();
    let held = Held::default();
    let make = {
        let held = held.clone();
        move |_| {
            let routes = routes(&held);
            async move { Ok::<_, BoxError>(routes) }
        }
    };
    let web = http_service_fn("web", "127.0.0.1:0", make).restart(RestartPolicy::on_failure());
    let observed = observe(options().operations(operations()).metrics(&metrics), |m| m.service(web));
    observed.running().await;
    let web = support::address(&observed, "web").await;
    assert_eq!(Client::connect(web).await.get("/users/1").await.status, 200);
    observed.manager.send(RestartService("web".into())).await.unwrap().unwrap();
    assert_eq!(Client::connect(web).await.get("/users/2").await.status, 200);
    let request = http::Request::get(format!("http://{web}/users/3")).body(http_body_util::Full::default());
    let answer = support::web::send(web, http::Version::HTTP_2, request.unwrap()).await;
    assert_eq!(answer.status(), 200);
    drop(answer);
    let user = [("http_response_status_code", "200"), ("http_route", "/users/{id}")];
    let scraped = Scraped::until(address(&observed).await, "all requests", |all| {
        let mut labels =
            vec![("http_request_method", "GET"), ("network_protocol_version", "2"), ("url_scheme", "http")];
        labels.extend(user);
        all.get(COUNT, &labels) == Some(1.0) && count(all, "GET", &user) == 2.0
    })
    .await;
    assert_eq!(scraped.value("majordomo_service_restarts_total", &[("service", "web")]), 1.0);
}
