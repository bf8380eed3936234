//! Spans that users make of requests.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use majordomo::http::HttpServerOptions;
use support::options;

use crate::peers::{Client, serve_with};

#[actix::test]
async fn g19_a_span_is_made_of_each_head_and_one_that_panics_harms_nobody() {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&seen);
    let server = HttpServerOptions::new().make_span(move |head| {
        noted.lock().unwrap().push(head.uri().path().to_owned());
        assert_ne!(head.uri().path(), "/bad");
        tracing::Span::none()
    });
    let router = Router::new().route("/", get(|| async { "hello" })).route("/bad", get(|| async { "fine" }));
    let (mut observed, at) = serve_with(options(), server, router).await;
    let mut client = Client::connect(at).await;
    assert_eq!((client.get("/").await.status, &*client.get("/bad").await.body), (200, "fine"));
    assert_eq!(*seen.lock().unwrap(), ["/", "/bad"]);
    observed.shut_down();
    observed.ended().await.assert_ok();
}
