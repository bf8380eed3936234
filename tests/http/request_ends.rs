//! What an observer is told of the end of each request.

use axum::Router;
use axum::extract::MatchedPath;
use axum::routing::get;
use majordomo::http::{EndedBy, HttpServerOptions, RequestEnd, name_routes};
use support::{Gate, ms, observe, options, serving, within};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::peers::{Client, serve_with};

/// Method, route, status, what ended it, and the name of its span.
type Told = (String, Option<String>, Option<u16>, EndedBy, Option<&'static str>);

fn tells(told: UnboundedSender<Told>) -> impl Fn(&RequestEnd<'_>) + Send + Sync {
    move |end| {
        let name = end.span.metadata().map(tracing::Metadata::name);
        let status = end.status.map(|status| status.as_u16());
        told.send((end.method.to_string(), end.route.map(ToOwned::to_owned), status, end.ended_by, name))
            .unwrap();
        assert_ne!(status, Some(404), "a panic of an observer is its own");
    }
}

fn router(gate: &Gate) -> Router {
    let gate = gate.clone();
    let slow = move || async move { gate.passed().await };
    let by_route = name_routes(|request| request.get::<MatchedPath>().map(MatchedPath::as_str));
    Router::new()
        .route("/users/{id}", get(|| async { "a user" }))
        .route("/bad", get(|| async { panic!("a bad day") as &'static str }))
        .route("/slow", get(slow))
        .route_layer(by_route)
}

async fn next(ends: &mut UnboundedReceiver<Told>) -> (Option<u16>, EndedBy) {
    let told = within("an end", ends.recv()).await.unwrap();
    (told.2, told.3)
}

#[actix::test]
async fn g19_an_observer_is_told_how_each_request_ended() {
    let (told, mut ends) = unbounded_channel();
    let gate = Gate::new();
    let server = HttpServerOptions::new()
        .make_span(|_| tracing::info_span!("of my own"))
        .on_request_end(tells(told))
        .request_timeout(ms(300))
        .max_body_size(10);
    let log = support::spans::SpanLog::default();
    let (mut manager, at) = serve_with(options().dispatch(log.dispatch()), server, router(&gate)).await;
    let mut client = Client::connect(at).await;
    assert_eq!(client.get("/users/7").await.status, 200);
    let route = Some("/users/{id}".to_owned());
    let wanted = ("GET".to_owned(), route, Some(200), EndedBy::Handler, Some("of my own"));
    assert_eq!(within("an end", ends.recv()).await.unwrap(), wanted);
    for (path, status, by) in [
        ("/nowhere", 404, EndedBy::Handler),
        ("/bad", 500, EndedBy::Panic),
        ("/slow", 504, EndedBy::Deadline),
    ] {
        assert_eq!(client.get(path).await.status, status);
        assert_eq!(next(&mut ends).await, (Some(status), by), "{path}");
    }
    client.send("POST /users/7 HTTP/1.1\r\nHost: test\r\nContent-Length: 11\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 413);
    assert_eq!(next(&mut ends).await, (Some(413), EndedBy::Request));
    manager.shut_down();
    manager.ended().await.assert_ok();
    assert!(ends.recv().await.is_none(), "each was told once");
}

#[actix::test]
async fn g19_an_observer_is_told_of_a_client_that_went_and_of_what_the_fallback_answers() {
    let (told, mut ends) = unbounded_channel();
    let gate = Gate::new();
    let options = serving().http_fallback(router(&gate)).http_fallback_on_request_end(tells(told));
    let mut manager = observe(options, |manager| manager);
    manager.running().await;
    let at = manager.status().await.grpc_address.expect("it serves");
    let mut client = Client::connect(at).await;
    assert_eq!(client.get("/users/7").await.status, 200);
    assert_eq!(next(&mut ends).await, (Some(200), EndedBy::Handler));
    client.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n").await;
    within("its handler", gate.arrived()).await;
    drop(client);
    assert_eq!(next(&mut ends).await, (None, EndedBy::Client));
    manager.shut_down();
    manager.ended().await.assert_ok();
}
