//! What is no call of gRPC reaches no handler; what a peer names is counted and repeated within bounds; watches are few.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use hyper::body::Bytes;
use prost::Message;
use tonic::Code;

use crate::grpc::GrpcServerOptions;
use crate::grpc::builtin::health::{self, HealthCheckRequest, HealthServer, HealthService};
use crate::grpc::register::registrar::GrpcRegistrar;
use crate::grpc::tests::peer::{Peer, serving, told};
use crate::grpc::tests::probe::Probed;
use crate::server::state::WorkerState;

/// Sends a request of one empty message.
async fn send(peer: &Peer, method: &str, path: &str, content_type: &str) -> Response<h2::RecvStream> {
    let request = Request::builder().method(method).uri(format!("http://test{path}"));
    let request = request.header("content-type", content_type).body(()).unwrap();
    let mut sender = peer.sender.clone().ready().await.unwrap();
    let (response, mut stream) = sender.send_request(request, false).unwrap();
    // It may have been refused already.
    let _ = stream.send_data(Bytes::from_static(&[0; 5]), true);
    response.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn g17_what_a_web_page_can_send_unasked_reaches_no_handler() {
    let mut probed = Probed::new();
    let peer = Peer::connect(&GrpcServerOptions::new(), &probed.probe).await;
    let refused = [
        ("POST", "text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("POST", "application/x-www-form-urlencoded", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("POST", "application/grpc+json", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("GET", "application/grpc", StatusCode::METHOD_NOT_ALLOWED),
        ("HEAD", "text/plain", StatusCode::METHOD_NOT_ALLOWED),
    ];
    for path in ["/test.Probe/Big", "/no.Service/Method"] {
        for (method, content_type, status) in refused {
            let answer = send(&peer, method, path, content_type).await;
            assert_eq!(answer.status(), status, "{method} {content_type} {path}");
            let allow = (status == StatusCode::METHOD_NOT_ALLOWED).then_some("POST");
            assert_eq!(answer.headers().get("allow").map(|allow| allow.to_str().unwrap()), allow);
            // A client of gRPC is told by a status, too.
            assert_ne!(answer.headers()["grpc-status"], "0");
        }
    }
    assert!(probed.entered.try_recv().is_err(), "a handler was called");
    let answer = send(&peer, "POST", "/test.Probe/Big", "application/grpc+proto;charset=utf-8").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(probed.entered.try_recv().is_ok());
    let unknown = send(&peer, "POST", "/no.Service/Method", "application/grpc").await;
    assert_eq!((unknown.status(), unknown.headers()["grpc-status"].as_bytes()), (StatusCode::OK, &b"12"[..]));
}

#[tokio::test(start_paused = true)]
async fn g17_a_codec_of_the_users_own_is_let_in_by_its_name() {
    let mut probed = Probed::new();
    let options = GrpcServerOptions::new().content_subtypes(["json"]);
    let peer = Peer::connect(&options, &probed.probe).await;
    assert_eq!(
        send(&peer, "POST", "/test.Probe/Big", "application/grpc+json").await.status(),
        StatusCode::OK
    );
    assert!(probed.entered.try_recv().is_ok());
    let other = send(&peer, "POST", "/test.Probe/Big", "application/grpc+cbor").await;
    assert_eq!(other.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(start_paused = true)]
async fn g17_a_path_is_repeated_short_and_escaped() {
    let probed = Probed::new();
    let mut peer = Peer::connect(&GrpcServerOptions::new(), &probed.probe).await;
    // HTTP takes a path as it is, but for bytes below 33 and a few others.
    let request = Request::post(format!("http://test/\u{9b}\u{202e}{}", "x".repeat(9000)))
        .header("content-type", "application/grpc");
    let mut sender = peer.sender.clone().ready().await.unwrap();
    let (response, _open) = sender.send_request(request.body(()).unwrap(), true).unwrap();
    let unknown = told(response).await;
    assert_eq!(unknown.code, Code::Unimplemented);
    assert!(unknown.message.is_ascii() && unknown.message.len() < 700, "{}", unknown.message);
    let malformed = told(peer.call("Big", &[("grpc-timeout", &"9".repeat(9000))]).await).await;
    assert_eq!(malformed.code, Code::Internal);
    assert!(malformed.message.len() < 700, "{}", malformed.message);
    let encoded = told(peer.call("Big", &[("grpc-encoding", &"x".repeat(9000))]).await).await;
    assert_eq!(encoded.code, Code::Unimplemented);
    assert!(encoded.message.len() < 700, "{}", encoded.message);
}

/// The server's end, where the built-in health service is served, and its peer.
async fn healthy(options: GrpcServerOptions) -> (Arc<WorkerState>, Peer) {
    let registrar = GrpcRegistrar::new();
    registrar.add_built_in(HealthServer::new(HealthService::new()));
    registrar.add_file_descriptor_set(health::FILE_DESCRIPTOR_SET);
    let worker = Arc::new(WorkerState::new(options.engine.clone(), Arc::default()));
    let peer = Peer::connect_by(Arc::clone(&worker), serving(registrar.close(), &options)).await;
    (worker, peer)
}

async fn watch(peer: &Peer, name: &str) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
    let message = HealthCheckRequest { service: name.to_owned() }.encode_to_vec();
    let bytes = [&[0], &(message.len() as u32).to_be_bytes()[..], &message].concat();
    let request =
        Request::post("http://test/grpc.health.v1.Health/Watch").header("content-type", "application/grpc");
    let mut sender = peer.sender.clone().ready().await.unwrap();
    let (response, mut stream) = sender.send_request(request.body(()).unwrap(), false).unwrap();
    let _ = stream.send_data(bytes.into(), true);
    (response, stream)
}

#[tokio::test(start_paused = true)]
async fn g17_a_connection_has_so_many_watches_and_no_more() {
    let (worker, peer) = healthy(GrpcServerOptions::new().max_watches_per_connection(2)).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let (response, stream) = watch(&peer, "").await;
        open.push((response.await.unwrap(), stream));
    }
    let (third, _stream) = watch(&peer, "").await;
    let third = told(third).await;
    assert_eq!((third.code, third.headers_only), (Code::ResourceExhausted, true), "{third:?}");

    // Another's place is free when it goes.
    drop(open.pop());
    let mut answer = loop {
        let (response, _stream) = watch(&peer, "").await;
        let answer = response.await.unwrap();
        match answer.headers().get("grpc-status") {
            Some(_) => tokio::task::yield_now().await,
            None => break answer,
        }
    };
    assert!(answer.body_mut().data().await.unwrap().is_ok());
    let mut watches = 0;
    worker.open.for_each(|call| watches += usize::from(call.is_endless()));
    assert_eq!(watches, 2);
}

#[tokio::test(start_paused = true)]
async fn g17_a_name_that_is_watched_is_not_long() {
    let (_worker, peer) = healthy(GrpcServerOptions::new()).await;
    let (response, _stream) = watch(&peer, &"x".repeat(300)).await;
    assert_eq!(told(response).await.code, Code::InvalidArgument);
    // By its length alone, before the rest of it is read.
    let (response, _stream) = watch(&peer, &"x".repeat(3 << 20)).await;
    let long = told(response).await;
    assert_eq!((long.code, long.headers_only), (Code::ResourceExhausted, true));
    assert!(long.message.contains("(3145733 vs. 4096)"), "{}", long.message);
}
