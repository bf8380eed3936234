//! Spans of requests: the server's own, with the trace of the request, and those that users make.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use majordomo::http::HttpServerOptions;
use support::options;
use support::spans::SpanLog;

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

#[actix::test]
async fn g19_the_span_of_a_request_tells_its_trace_where_its_header_is_valid() {
    let trace = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let valid = format!("00-{}-{}-00", trace.0, trace.1);
    let log = SpanLog::default();
    let router = Router::new().route("/", get(|| async { "hello" }));
    let options = options().dispatch(log.dispatch());
    let (mut observed, at) = serve_with(options, HttpServerOptions::new(), router).await;
    let mut client = Client::connect(at).await;
    for head in [
        format!("traceparent: {valid}\r\n"),
        "traceparent: 00-zz\r\n".to_owned(),
        String::new(),
        format!("traceparent: {valid}\r\ntraceparent: {valid}\r\n"),
    ] {
        client.send(&format!("GET / HTTP/1.1\r\nHost: test\r\n{head}\r\n")).await;
        assert_eq!(client.answer().await.status, 200);
    }
    observed.shut_down();
    observed.ended().await.assert_ok();
    let requests = log.made("request");
    let traces = requests.iter().map(|made| (made.fields.get("trace_id"), made.fields.get("parent_id")));
    let traces: Vec<_> = traces.map(|(id, parent)| (id.cloned(), parent.cloned())).collect();
    let told = (Some(trace.0.to_owned()), Some(trace.1.to_owned()));
    assert_eq!(traces, [told, (None, None), (None, None), (None, None)]);
    assert!(requests.iter().all(|made| made.parent.is_none() && made.fields["service"] == "web"));
}

#[actix::test]
async fn g19_nothing_of_ours_is_entered_around_the_span_of_a_user() {
    let log = SpanLog::default();
    let current = || async { tracing::Span::current().metadata().map_or("none", tracing::Metadata::name) };
    let router = Router::new().route("/", get(current)).route("/root", get(current));
    let server = HttpServerOptions::new().make_span(|head| {
        assert!(tracing::Span::current().is_none(), "it is made within none of ours");
        match head.uri().path() {
            "/root" => tracing::info_span!(parent: None, "root"),
            _ => tracing::Span::none(),
        }
    });
    let (mut observed, at) = serve_with(options().dispatch(log.dispatch()), server, router).await;
    let mut client = Client::connect(at).await;
    assert_eq!((client.get("/").await.body, client.get("/root").await.body), ("none".into(), "root".into()));
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!((log.entered(), log.made("root")[0].parent), (vec!["root"], None));
}
