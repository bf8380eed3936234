//! What an observer is told of the end of each call.

use std::time::Duration;

use majordomo::grpc::EndedBy;
use majordomo::ping::{Ping, PingClient, PingServer};
use majordomo::{GrpcServerOptions, ManagerOptions};
use support::{Observed, Registers, connect, observe, serving, within};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tonic::{Code, Request, Response, Status};

/// Does what the header `do` says.
struct Obeys;

#[tonic::async_trait]
impl Ping for Obeys {
    async fn ping(&self, request: Request<()>) -> Result<Response<()>, Status> {
        match request.metadata().get("do").and_then(|what| what.to_str().ok()) {
            Some("panic") => panic!("a bad day"),
            Some("wait") => std::future::pending().await,
            Some("err") => Err(Status::not_found("nobody")),
            _ => Ok(Response::new(())),
        }
    }
}

/// Method, status, what ended it, and the name of its span.
type Told = (String, Code, EndedBy, Option<&'static str>);

fn observed(options: ManagerOptions) -> (Observed, UnboundedReceiver<Told>) {
    let (told, ends) = unbounded_channel();
    let register = |on: &majordomo::GrpcRegistrar| on.add_service(PingServer::new(Obeys));
    let options = options.grpc_ping_service(false).grpc_on_call_end(move |end| {
        assert!(end.elapsed < Duration::from_secs(60));
        assert!(end.path == end.method || end.method == "_OTHER" && end.path == "/no.Such/Method", "{end:?}");
        let name = end.span.metadata().map(tracing::Metadata::name);
        told.send((end.method.to_owned(), end.code, end.ended_by, name)).unwrap();
        assert_ne!(end.code, Code::NotFound, "a panic of an observer is its own");
    });
    (observe(options, |manager| manager.grpc_service(Registers::new("pings", register))), ends)
}

fn asking(what: &str) -> Request<()> {
    let mut request = Request::new(());
    request.metadata_mut().insert("do", what.parse().unwrap());
    request
}

#[actix::test]
async fn g11_an_observer_is_told_how_each_call_ended_whatever_is_logged() {
    for options in [serving(), serving().without_grpc_logging()] {
        let (mut manager, mut ends) = observed(options);
        let channel = connect(&manager).await;
        let mut client = PingClient::new(channel.clone());
        for (request, code, by) in [
            (asking(""), Code::Ok, EndedBy::Handler),
            (asking("err"), Code::NotFound, EndedBy::Handler),
            (asking("panic"), Code::Internal, EndedBy::Panic),
        ] {
            let answer = client.ping(request).await.map_or_else(|status| status.code(), |_| Code::Ok);
            assert_eq!(answer, code);
            let (method, told, told_by, _) = within("an end", ends.recv()).await.unwrap();
            assert_eq!((&*method, told, told_by), ("/pkping.Ping/Ping", code, by));
        }
        let left = tokio::time::timeout(Duration::from_millis(10), client.ping(asking("wait"))).await;
        assert!(left.is_err(), "it is left, not answered");
        let (_, code, by, _) = within("its end", ends.recv()).await.unwrap();
        assert_eq!((code, by), (Code::Cancelled, EndedBy::Client));

        let mut raw = tonic::client::Grpc::new(channel);
        raw.ready().await.unwrap();
        let path = http::uri::PathAndQuery::from_static("/no.Such/Method");
        let codec = tonic_prost::ProstCodec::<(), ()>::default();
        raw.unary(Request::new(()), path, codec).await.unwrap_err();
        let (method, code, ..) = within("its end", ends.recv()).await.unwrap();
        assert_eq!((&*method, code), ("_OTHER", Code::Unimplemented));
        manager.shut_down();
        manager.ended().await.assert_ok();
        assert!(ends.recv().await.is_none(), "each was told once");
    }
}

#[actix::test]
async fn g11_an_observer_is_told_of_a_call_that_reached_its_deadline() {
    let limit = GrpcServerOptions::new().request_timeout(Duration::from_millis(50));
    let (mut manager, mut ends) = observed(serving().grpc_server(limit));
    let status = PingClient::new(connect(&manager).await).ping(asking("wait")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let (_, code, by, _) = within("its end", ends.recv()).await.unwrap();
    assert_eq!((code, by), (Code::DeadlineExceeded, EndedBy::Deadline));
    manager.shut_down();
    manager.ended().await.assert_ok();
}

#[actix::test]
async fn an_observer_of_calls_is_given_the_span_that_a_user_made() {
    let log = support::spans::SpanLog::default();
    let options = serving().dispatch(log.dispatch()).grpc_make_span(|_| tracing::info_span!("of my own"));
    let (mut manager, mut ends) = observed(options);
    PingClient::new(connect(&manager).await).ping(asking("")).await.unwrap();
    assert_eq!(within("an end", ends.recv()).await.unwrap().3, Some("of my own"));
    manager.shut_down();
    manager.ended().await.assert_ok();
}
