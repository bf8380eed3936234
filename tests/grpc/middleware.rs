//! Middleware around the methods of a gRPC server: which, in which order, and what becomes of their errors.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use majordomo::{ManagerOptions, RegisterOnServer};
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};
use support::rpc::{Calls, Held, connect, endless, options, ping, unary};
use support::{Counter, Journal, Observed, Probe, observe, whos};
use tonic::body::Body;
use tonic::service::InterceptorLayer;
use tonic::transport::Channel;
use tonic::{Code, Status};

/// A layer that notes every call that passes, on its way in.
#[derive(Clone)]
struct PanicLog {
    name: &'static str,
    journal: Journal,
    made: Counter,
}

#[derive(Clone)]
struct Noting<S> {
    notes: PanicLog,
    inner: S,
}

impl PanicLog {
    fn new(name: &'static str, journal: &Journal) -> Self {
        Self { name, journal: journal.clone(), made: Counter::default() }
    }
}

impl<S> tower::Layer<S> for PanicLog {
    type Service = Noting<S>;

    fn layer(&self, inner: S) -> Noting<S> {
        self.made.add();
        Noting { notes: self.clone(), inner }
    }
}

impl<S> tower::Service<Request<Body>> for Noting<S>
where
    S: tower::Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
        assert_ne!((self.notes.name, &*method), ("fragile", "Missing"), "a panic on purpose");
        self.notes.journal.note(format!("{}: {method}", self.notes.name));
        Box::pin(self.inner.call(request))
    }
}

/// What describes `test.Calls`.
fn descriptors() -> Vec<u8> {
    let method = |name: &str, server_streaming| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".google.protobuf.BytesValue".to_owned()),
        output_type: Some(".google.protobuf.BytesValue".to_owned()),
        server_streaming: Some(server_streaming),
        ..Default::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("Calls".to_owned()),
        method: vec![method("Hold", false), method("Panic", false), method("Endless", true)],
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("calls.proto".to_owned()),
        package: Some("test".to_owned()),
        service: vec![service],
        ..Default::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

fn register(
    calls: Calls,
    described: bool,
) -> impl FnOnce(RegisterOnServer, &mut actix::Context<Probe>) -> support::Answer {
    move |on, _| {
        on.server.add_service(calls);
        if described {
            on.server.add_file_descriptor_set(descriptors());
        }
        Ok(())
    }
}

/// A manager of `test.Calls`, whose `Hold` returns at once.
async fn serve(options: ManagerOptions) -> (Observed, Held, Channel) {
    let (calls, held) = Calls::new();
    held.go.open();
    let service = Probe::new("a", &Journal::default()).register_at_once(register(calls, true));
    let observed = observe(options, |m| m.grpc_service(service));
    let channel = connect(observed.grpc_address().await).await;
    (observed, held, channel)
}

async fn end(mut observed: Observed) {
    observed.shut_down();
    observed.ended().await;
}

#[actix::test]
async fn the_first_layer_is_innermost_and_each_kind_of_method_has_its_own() {
    let journal = Journal::default();
    let layers =
        ["all 1", "unary 2", "stream 3", "all 4", "unary 5"].map(|name| PanicLog::new(name, &journal));
    let [first, second, third, fourth, fifth] = layers.clone();
    let options = options()
        .grpc_server_middleware(first)
        .grpc_unary_server_middleware(second)
        .grpc_stream_server_middleware(third)
        .grpc_server_middleware(fourth)
        .grpc_unary_server_middleware(fifth);
    let (observed, _held, channel) = serve(options).await;
    unary(channel.clone(), "Hold").await.unwrap();
    drop(endless(channel.clone()).await);
    ping(channel).await.unwrap();
    let [hold, stream, ping] = [
        &["unary 5: Hold", "all 4: Hold", "unary 2: Hold", "all 1: Hold"][..],
        &["all 4: Endless", "stream 3: Endless", "all 1: Endless"],
        &["unary 5: Ping", "all 4: Ping", "unary 2: Ping", "all 1: Ping"],
    ];
    assert_eq!(journal.entries(), [hold, stream, ping].concat());
    // What a layer limits or counts holds for all methods that it is around.
    assert_eq!(layers.map(|layer| layer.made.get()), [1; 5]);
    end(observed).await;
}

#[actix::test]
async fn health_and_reflection_and_what_is_not_served_have_no_layers_of_users() {
    let journal = Journal::default();
    let (observed, _held, channel) =
        serve(options().grpc_server_middleware(PanicLog::new("all", &journal))).await;
    majordomo::clients::wait_for_grpc_server(channel.clone(), support::ms(3_000)).await.unwrap();
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = http::uri::PathAndQuery::from_static("/no.Such/Method");
    let status = grpc.unary(tonic::Request::new(()), path, codec).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("/no.Such/Method"), "{status}");
    assert_eq!(journal.entries(), Vec::<String>::new());
    end(observed).await;
}

#[actix::test]
async fn g03_middleware_for_one_kind_with_a_service_without_descriptors_is_a_set_up_error_that_tells_the_way_out()
 {
    let journal = Journal::default();
    let (calls, _held) = Calls::new();
    let service = Probe::new("bare", &journal).register_at_once(register(calls, false));
    let options = options().grpc_unary_server_middleware(PanicLog::new("unary", &journal));
    let ended = observe(options, |m| m.service_and_grpc(service)).ended().await;
    let errors = ended.setup_errors();
    assert_eq!(whos(errors.errors()), ["bare (register)"]);
    let text = errors.to_string();
    for part in ["test.Calls", "add_file_descriptor_set", "RegisterOnServer", "grpc_server_middleware"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(journal.count("bare: run"), 0);
    ended.assert_exit_code(1);
}

#[actix::test]
async fn a_method_that_its_descriptors_do_not_tell_of_is_not_served_past_the_middleware_for_its_kind() {
    let journal = Journal::default();
    let (observed, _held, channel) =
        serve(options().grpc_unary_server_middleware(PanicLog::new("unary", &journal))).await;
    let status = unary(channel, "UseResource").await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    end(observed).await;
}

#[actix::test]
async fn an_interceptor_of_tonic_refuses_calls_as_around_its_own_server() {
    let refuse = |call: tonic::Request<()>| match call.metadata().get("token") {
        Some(_) => Ok(call),
        None => Err(Status::unauthenticated("send the token")),
    };
    let (observed, _held, channel) =
        serve(options().grpc_server_middleware(InterceptorLayer::new(refuse))).await;
    let status = ping(channel.clone()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unauthenticated, "send the token"));
    let mut request = tonic::Request::new(());
    request.metadata_mut().insert("token", "x".parse().unwrap());
    majordomo::ping::PingClient::new(channel).ping(request).await.unwrap();
    end(observed).await;
}

#[actix::test]
async fn g11_a_panic_in_a_layer_is_answered_internal_and_touches_no_other_call() {
    let journal = Journal::default();
    let (observed, mut held, channel) =
        serve(options().grpc_server_middleware(PanicLog::new("fragile", &journal))).await;
    let other = endless(channel.clone()).await;
    held.entered("Endless").await;
    for method in ["Missing", "Panic"] {
        let status = unary(channel.clone(), method).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{status}");
    }
    ping(channel).await.unwrap();
    drop(other);
    end(observed).await;
}

#[actix::test]
async fn g11_a_panic_of_a_handler_is_an_answer_for_the_layers_of_its_kind() {
    let journal = Journal::default();
    let told = journal.clone();
    let notes = move |answer: Result<Response<Body>, std::convert::Infallible>| {
        let Ok(response) = answer;
        told.note(response.headers()["grpc-status"].to_str().unwrap());
        Ok::<_, std::convert::Infallible>(response)
    };
    let (observed, _held, channel) =
        serve(options().grpc_unary_server_middleware(tower::util::MapResultLayer::new(notes))).await;
    let status = unary(channel.clone(), "Panic").await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "the handler panicked"));
    assert_eq!(journal.entries(), ["13"]);
    end(observed).await;
}
