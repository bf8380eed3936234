//! How calls and requests that fail are told.

use axum::Router;
use axum::routing::get;
use majordomo::http::HttpServerOptions;
use majordomo::ping::{Ping, PingClient, PingServer};
use majordomo::{GrpcRegistrar, http_service};
use support::{Client, Registers, address, connect, observe, serving};
use tonic::{Code, Request, Response, Status};
use tower::Layer;

use crate::collector::{CLIENT, Collector, SERVER};
use crate::{otel, traced};

struct Panics;

#[tonic::async_trait]
impl Ping for Panics {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        panic!("a bad day")
    }
}

#[actix::test]
async fn g11_panics_of_handlers_are_told_by_error_type_and_status_on_both_sides() {
    let collector = Collector::start();
    let (calls, requests) = (otel("calls", &collector.http), otel("requests", &collector.http));
    let register = |on: &GrpcRegistrar| on.add_service(PingServer::new(Panics));
    let options = traced(&calls, serving().grpc_ping_service(false));
    let mut rpc = observe(options, |manager| {
        manager.service(calls.service()).grpc_service(Registers::new("pings", register))
    });
    let channel = calls.client_layer().layer(connect(&rpc).await);
    // A client that is in no span begins a trace; of this thread's subscriber.
    let subscriber =
        tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), calls.layer());
    let within = tracing::subscriber::set_default(subscriber);
    let status = PingClient::new(channel).ping(()).await.unwrap_err();
    drop(within);
    assert_eq!(status.code(), Code::Internal);

    let bad = || async { panic!("a bad day") as &'static str };
    let web = http_service("web", "127.0.0.1:0", Router::new().route("/bad", get(bad)));
    let web = web.options(requests.http(HttpServerOptions::new()));
    let mut web = observe(traced(&requests, support::options()), |manager| {
        manager.service(requests.service()).service(web)
    });
    web.running().await;
    assert_eq!(Client::connect(address(&web, "web").await).await.get("/bad").await.status, 500);
    rpc.shut_down();
    web.shut_down();
    rpc.ended().await.assert_ok();
    web.ended().await.assert_ok();

    let received = collector.received();
    let (server, client) = (received.span("calls", SERVER), received.span("calls", CLIENT));
    assert_eq!((&server["parent"], &server["trace"]), (&client["id"], &client["trace"]));
    for span in [server, client] {
        assert_eq!((&span["status"], &span["attributes"]["error.type"]), (&2.into(), &"INTERNAL".into()));
        assert_eq!(span["attributes"]["rpc.response.status_code"], "INTERNAL");
    }
    assert_eq!(server["message"], "the handler panicked");
    let span = received.span("requests", SERVER);
    assert_eq!((&span["status"], &span["message"]), (&2.into(), &"the handler panicked".into()));
    assert_eq!(span["attributes"]["error.type"], "500");
    assert_eq!(span["attributes"]["http.response.status_code"], 500);
    let points = received.points("requests", "http.server.request.duration");
    assert_eq!(points[0]["attributes"]["error.type"], "500");
    let points = received.points("calls", "rpc.server.call.duration");
    assert_eq!(points[0]["attributes"]["error.type"], "INTERNAL");
}
