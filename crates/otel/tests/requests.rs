//! Requests of reqwest, and calls that nobody serves.

use axum::Router;
use axum::routing::get;
use majordomo::http::HttpServerOptions;
use majordomo::http_service;
use opentelemetry::trace::TraceContextExt;
use support::{address, connect, observe, options, serving};
use tower::Layer;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

use crate::collector::{CLIENT, Collector, SERVER};
use crate::{otel, traced};

#[actix::test]
async fn a_request_of_reqwest_carries_its_trace_and_tells_how_it_ended() {
    let collector = Collector::start();
    let (asking, answering) = (otel("asking", &collector.http), otel("answering", &collector.http));
    let router = Router::new().route("/", get(|| async { "hello" }));
    let web = http_service("web", "127.0.0.1:0", router).options(answering.http(HttpServerOptions::new()));
    let (mut first, mut second) = (
        observe(traced(&asking, options()), |manager| manager.service(asking.service())),
        observe(traced(&answering, options()), |manager| manager.service(answering.service()).service(web)),
    );
    first.running().await;
    second.running().await;
    let at = address(&second, "web").await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let within = tracing::subscriber::set_default(tracing_subscriber::registry().with(asking.layer()));
    let request = client.get(format!("http://user:secret@{at}/?token=secret")).build().unwrap();
    let answer = asking.send(&client, request).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "hello");
    let span = tracing::info_span!("a job");
    let trace = span.context().span().span_context().trace_id().to_string();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let request = client.get(format!("http://{nobody}/")).build().unwrap();
    asking.send(&client, request).instrument(span).await.unwrap_err();
    drop(within);
    for observed in [&mut first, &mut second] {
        observed.shut_down();
    }
    first.ended().await.assert_ok();
    second.ended().await.assert_ok();

    let received = collector.received();
    let server = received.span("answering", SERVER);
    let sent = |ok: bool| {
        let is = |span: &&serde_json::Value| span["kind"] == CLIENT && (span["status"] == 0) == ok;
        received.spans().find(is).unwrap()
    };
    let client = sent(true);
    assert_eq!((&server["parent"], &server["trace"]), (&client["id"], &client["trace"]));
    assert_eq!(client["attributes"]["url.full"], format!("http://{at}/"), "without what is secret");
    assert_eq!(client["attributes"]["http.response.status_code"], 200);
    assert_eq!(client["attributes"]["server.port"], at.port());
    let failed = sent(false);
    assert_eq!((&failed["attributes"]["error.type"], &failed["trace"]), (&"connect".into(), &trace.into()));
    assert_eq!(received.points("asking", "http.client.request.duration").len(), 2);
}

#[actix::test]
async fn g17_a_method_that_nobody_serves_is_no_name() {
    let collector = Collector::start();
    let calls = otel("calls", &collector.http);
    let mut observed = observe(traced(&calls, serving()), |manager| manager.service(calls.service()));
    let channel = calls.client_layer().layer(connect(&observed).await);
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/no.Such/Method");
    client
        .unary(tonic::Request::new(()), path, tonic_prost::ProstCodec::<(), ()>::default())
        .await
        .unwrap_err();
    observed.shut_down();
    observed.ended().await.assert_ok();
    let received = collector.received();
    let span = received.span("calls", SERVER);
    assert_eq!((&span["span"], &span["attributes"]["rpc.method"]), (&"_OTHER".into(), &"_OTHER".into()));
    assert_eq!(span["attributes"]["rpc.method_original"], "no.Such/Method");
    assert_eq!(span["attributes"]["error.type"], "UNIMPLEMENTED");
    assert_eq!(received.points("calls", "rpc.server.call.duration")[0]["attributes"]["rpc.method"], "_OTHER");
}
