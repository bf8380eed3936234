//! One trace through three services, each with telemetry of its own: HTTP, gRPC, gRPC.

use axum::Router;
use axum::extract::MatchedPath;
use axum::routing::get;
use majordomo::http::{HttpServerOptions, name_routes};
use majordomo::ping::{Ping, PingClient, PingServer};
use majordomo::{GrpcRegistrar, http_service};
use majordomo_otel::client::ClientService;
use majordomo_otel::{Otel, OtelOptions, Protocol};
use support::{Client, Observed, Registers, address, connect, observe, options, serving};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tower::Layer;

use crate::collector::{CLIENT, Collector, SERVER};
use crate::{otel, traced};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

type Next = PingClient<ClientService<Channel>>;

/// Asks the next, if there is one.
struct PassesOn(Option<Next>);

#[tonic::async_trait]
impl Ping for PassesOn {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        match &self.0 {
            Some(next) => next.clone().ping(()).await,
            None => Ok(Response::new(())),
        }
    }
}

/// A gRPC service with telemetry.
fn grpc(otel: &Otel, next: Option<Next>) -> Observed {
    let register = move |on: &GrpcRegistrar| on.add_service(PingServer::new(PassesOn(next.clone())));
    let options = traced(otel, serving().grpc_ping_service(false));
    observe(options, |manager| {
        manager.service(otel.service()).grpc_service(Registers::new("pings", register))
    })
}

async fn client(otel: &Otel, of: &Observed) -> Next {
    PingClient::new(otel.client_layer().server("pings.test", 50051).layer(connect(of).await))
}

#[actix::test]
async fn a_trace_goes_through_three_services_and_each_parent_is_what_was_sent() {
    let collector = Collector::start();
    let last = otel("last", &collector.http);
    let over_grpc = OtelOptions::new("middle").endpoint(&collector.grpc).protocol(Protocol::Grpc);
    let middle = Otel::new(over_grpc).unwrap();
    let first = otel("first", &collector.http);

    let third = grpc(&last, None);
    let second = grpc(&middle, Some(client(&middle, &third).await));
    let next = client(&first, &second).await;
    let order = move || async move { next.clone().ping(()).await.map(|_| "served").map_err(|_| "failed") };
    let by_route = name_routes(|request| request.get::<MatchedPath>().map(MatchedPath::as_str));
    let router = Router::new().route("/orders/{id}", get(order)).route_layer(by_route);
    let web = http_service("web", "127.0.0.1:0", router).options(first.http(HttpServerOptions::new()));
    let options = traced(&first, options().grpc_ping_service(false));
    let web = observe(options, |manager| manager.service(first.service()).service(web));
    web.running().await;

    let mut curl = Client::connect(address(&web, "web").await).await;
    for flags in ["01", "00"] {
        // Of a trace that is not sampled nothing is sent.
        let trace = if flags == "01" { TRACE.to_owned() } else { "f".repeat(32) };
        let head = format!("Host: shop.test:80\r\ntraceparent: 00-{trace}-{PARENT}-{flags}");
        curl.send(&format!("GET /orders/7?secret=1 HTTP/1.1\r\n{head}\r\n\r\n")).await;
        assert_eq!(curl.answer().await.body, "served");
    }
    for mut service in [web, second, third] {
        service.shut_down();
        service.ended().await.assert_ok();
    }

    let received = collector.received();
    assert_eq!(received.spans().count(), 5);
    let mut parent = PARENT.to_owned();
    for (service, kind) in
        [("first", SERVER), ("first", CLIENT), ("middle", SERVER), ("middle", CLIENT), ("last", SERVER)]
    {
        let span = received.span(service, kind);
        assert_eq!((&span["trace"], &span["parent"]), (&TRACE.into(), &parent.into()), "{span:#}");
        parent = span["id"].as_str().unwrap().to_owned();
        assert_eq!(span["via"], if service == "middle" { "grpc" } else { "http" });
        assert_eq!((&span["status"], &span["message"]), (&0.into(), &"".into()));
        assert_eq!(span["schema"], "https://opentelemetry.io/schemas/1.45.0");
        if (service, kind) != ("first", SERVER) {
            assert_eq!(span["span"], "pkping.Ping/Ping");
            assert_eq!(span["attributes"]["rpc.system.name"], "grpc");
            assert_eq!(span["attributes"]["rpc.method"], "pkping.Ping/Ping");
            assert_eq!(span["attributes"]["rpc.response.status_code"], "OK");
        }
        if kind == CLIENT {
            assert_eq!(span["attributes"]["server.address"], "pings.test");
            assert_eq!(span["attributes"]["server.port"], 50051);
        }
    }
    let span = received.span("first", SERVER);
    assert_eq!(span["span"], "GET /orders/{id}");
    for (name, value) in [
        ("http.request.method", "GET".into()),
        ("http.route", "/orders/{id}".into()),
        ("http.response.status_code", 200.into()),
        ("url.path", "/orders/7".into()),
        ("url.scheme", "http".into()),
        ("network.protocol.version", "1.1".into()),
        ("server.address", "shop.test".into()),
        ("server.port", 80.into()),
        ("trace_id", serde_json::Value::from(TRACE)),
    ] {
        assert_eq!(span["attributes"][name], value, "{name}");
    }
    assert!(!span.to_string().contains("secret"), "a query may hold what nobody is to see");

    // What is not sampled is measured all the same.
    let bounds =
        serde_json::json!([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]);
    for (service, name) in [
        ("first", "http.server.request.duration"),
        ("first", "rpc.client.call.duration"),
        ("middle", "rpc.server.call.duration"),
        ("last", "rpc.server.call.duration"),
    ] {
        let points = received.points(service, name);
        let [point] = points[..] else { panic!("{service} {name}: {points:#?}") };
        assert_eq!((&point["count"], &point["bounds"]), (&2.into(), &bounds), "{service} {name}");
    }
    let point = received.points("first", "http.server.request.duration")[0];
    assert_eq!(
        point["attributes"],
        serde_json::json!({"http.request.method": "GET", "http.response.status_code": 200,
            "http.route": "/orders/{id}", "network.protocol.version": "1.1", "url.scheme": "http"})
    );
}
