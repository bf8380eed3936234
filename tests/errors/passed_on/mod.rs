//! What a service at the edge passes on of the errors of an inner one, over two real hops.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use majordomo::ManagerOptions;
use majordomo::api_errors::{
    ApiError, ERR_NOT_FOUND, ERR_UNKNOWN, ErrorClient, ErrorGenerator, PassOn, SentinelError,
};
use tokio_stream::StreamExt;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tower::Layer;

use crate::failing::{Case, ERR_LOST, Failing, Kind, When, call};
use support::{Observed, Registers, connect, observe, serving, within};

/// Whatever an inner service is willing to say.
fn inner() -> ErrorGenerator {
    ErrorGenerator::new("inner").add_host(true).add_stack_trace(true).send_context(true).send_source(true)
}

/// How the edge answers what it got.
#[derive(Debug, Clone, Copy)]
enum Passes {
    /// By `?`.
    AsItIs,
    /// Within an error of its own.
    Wrapped,
    /// In a panic.
    Panics,
    /// It answers an error of its own, of which the other is the source.
    Own,
    /// The same, made by a part of it.
    OwnOfAPart,
}

#[derive(Debug, thiserror::Error)]
#[error("asking the inner: {0}")]
struct Asking(#[source] Status);

/// The gRPC service `test.Failing` of the edge, whose methods call those of the inner one.
#[derive(Clone)]
struct Edge {
    inner: ErrorClient<Channel>,
    errors: ErrorGenerator,
    passes: Passes,
}

impl Edge {
    fn fail(&self, got: Status) -> Status {
        let own =
            |errors: &ErrorGenerator, got| errors.error(&ERR_NOT_FOUND).message("own words").source(got);
        match self.passes {
            Passes::AsItIs => got,
            Passes::Wrapped => self.errors.status(Asking(got)),
            Passes::Panics => std::panic::panic_any(got),
            Passes::Own => own(&self.errors, got).into(),
            Passes::OwnOfAPart => own(&self.errors.with_app_name("a part of the edge"), got).into(),
        }
    }
}

impl NamedService for Edge {
    const NAME: &'static str = "test.Failing";
}

impl tower::Service<Request<Body>> for Edge {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let own = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<String, String>::default());
            let is_unary = request.uri().path().ends_with("/Unary");
            if is_unary {
                let answer = move |_: tonic::Request<String>| {
                    let own = own.clone();
                    async move {
                        let got = call(own.inner.clone(), Kind::Unary).await.1.unwrap_err();
                        Err::<tonic::Response<String>, _>(own.fail(got))
                    }
                };
                return Ok(grpc.unary(tower::service_fn(answer), request).await);
            }
            let answer = move |_: tonic::Request<String>| {
                let own = own.clone();
                let last = tokio_stream::once(()).then(move |()| {
                    let own = own.clone();
                    async move {
                        // Messages that are still being put together go with a panic.
                        tokio::task::yield_now().await;
                        let got = call(own.inner.clone(), Kind::ServerStream).await.1.unwrap_err();
                        Err(own.fail(got))
                    }
                });
                let stream = tokio_stream::once(Ok("first".to_owned())).chain(last);
                std::future::ready(Ok(tonic::Response::new(stream)))
            };
            Ok(grpc.server_streaming(tower::service_fn(answer), request).await)
        })
    }
}

/// What the caller of the edge is answered, by each kind of method.
struct Told {
    unary: Status,
    stream: Status,
}

impl Told {
    fn both(&self) -> [(&'static str, &Status, ApiError); 2] {
        [("unary", &self.unary), ("stream", &self.stream)].map(|(kind, status)| {
            (kind, status, ApiError::from_status(status).unwrap_or_else(|| panic!("{kind}: {status:?}")))
        })
    }
}

/// Two hops: the caller calls the edge, which calls the inner service.
async fn told(edge: ErrorGenerator, passes: Passes) -> Told {
    told_of(Case::Wrapped, serving().error_generator(inner()), edge, passes).await
}

/// The same, where the inner service fails so, and is served so.
async fn told_of(case: Case, served: ManagerOptions, edge: ErrorGenerator, passes: Passes) -> Told {
    let failing = Failing { errors: inner(), case, when: When::InMidStream };
    let inner = serve(served, "inner", failing).await;
    let service =
        Edge { inner: edge.client_layer().layer(connect(&inner).await), errors: edge.clone(), passes };
    let edge = serve(serving().error_generator(edge), "edge", service).await;
    let channel = connect(&edge).await;
    let unary = within("unary", call(channel.clone(), Kind::Unary)).await.1.unwrap_err();
    let (messages, ended) = within("stream", call(channel, Kind::ServerStream)).await;
    assert_eq!(messages, ["first"]);
    for mut observed in [edge, inner] {
        observed.shut_down();
        observed.ended().await.assert_ok();
    }
    Told { unary, stream: ended.unwrap_err() }
}

async fn serve<S>(options: ManagerOptions, id: &'static str, service: S) -> Observed
where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: NamedService + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    let register = move |server: &majordomo::GrpcRegistrar| server.add_service(service.clone());
    let observed = observe(options, |manager| manager.grpc_service(Registers::new(id, register)));
    observed.running().await;
    observed
}

fn names(error: &ApiError) -> Vec<&str> {
    error.trace().iter().map(|frame| &*frame.app_name).collect()
}

/// Nothing of what the inner service says beyond which error it is.
#[track_caller]
fn assert_silent(at: &str, status: &Status, error: &ApiError) {
    let whole = format!("{status:?} {error:?} {:?}", status.metadata());
    for secret in ["disk", "on purpose", "outer text", "a detail", "inner"] {
        assert!(!whole.contains(secret), "{at}: {secret:?} in {whole}");
    }
    assert!(error.wire().details.is_empty(), "{at}");
    for frame in error.trace() {
        let seen = (&*frame.app_host, &*frame.stack_trace, &*frame.additional_context);
        assert_eq!(seen, ("", "", ""), "{at}");
    }
}

const PASSED: [Passes; 3] = [Passes::AsItIs, Passes::Wrapped, Passes::Panics];

#[actix::test]
async fn everything_is_passed_on_unless_told_otherwise() {
    for passes in [Passes::AsItIs, Passes::Wrapped] {
        let told = told(ErrorGenerator::new("edge"), passes).await;
        for (kind, status, error) in told.both() {
            let at = format!("{passes:?} {kind}");
            assert_eq!(names(&error), ["inner", "edge"], "{at}");
            assert_eq!(error.source_text(), Some("the disk is gone"), "{at}");
            assert!(status.message().ends_with(" | from: the disk is gone"), "{at}: {status}");
            let first = &error.trace()[0];
            assert!(!first.stack_trace.is_empty() && !first.app_host.is_empty(), "{at}");
            assert_eq!(first.additional_context, "outer text: [error]", "{at}");
        }
    }
}

#[actix::test]
async fn what_the_switches_of_the_edge_do_not_allow_is_taken_off_whoever_has_sent_it() {
    for passes in PASSED {
        let edge = ErrorGenerator::new("edge").pass_on(PassOn::Allowed);
        for (kind, status, error) in told(edge, passes).await.both() {
            let at = format!("{passes:?} {kind}");
            assert!(error.is(&ERR_LOST) && status.code() == Code::DataLoss, "{at}");
            assert_eq!(names(&error), ["inner", "edge"], "{at}");
            assert_eq!((error.source_text(), error.source_type()), (None, None), "{at}");
            assert_eq!(
                status.message(),
                "(DataLost | failing tests | 2000) data was lost: on purpose",
                "{at}"
            );
            assert_eq!(error.detail_of::<String>().as_deref(), Some("a detail"), "{at}");
            for frame in error.trace() {
                let seen = (&*frame.app_host, &*frame.stack_trace, &*frame.additional_context);
                assert_eq!(seen, ("", "", ""), "{at}");
            }
        }
    }
    let edge = ErrorGenerator::new("edge").pass_on(PassOn::Allowed).send_source(true);
    for (kind, _, error) in told(edge, Passes::AsItIs).await.both() {
        assert_eq!(error.source_text(), Some("the disk is gone"), "{kind}");
        assert_eq!(error.trace()[0].stack_trace, "", "{kind}");
    }
}

#[actix::test]
async fn an_edge_that_passes_on_the_identity_or_nothing_says_no_more_than_that() {
    let cases: [(_, &SentinelError, _, _); 2] = [
        (PassOn::Identity, &ERR_LOST, Code::DataLoss, "(DataLost | failing tests | 2000)"),
        (
            PassOn::Nothing,
            &ERR_UNKNOWN,
            Code::Unknown,
            "(Unknown | GRPEAKEC | 1000) an unknown error occurred",
        ),
    ];
    for (what, sentinel, code, message) in cases {
        for passes in PASSED {
            let edge = ErrorGenerator::new("edge").pass_on(what);
            for (kind, status, error) in told(edge, passes).await.both() {
                let at = format!("{what:?} {passes:?} {kind}");
                assert!(error.is(sentinel) && error.is_code(code), "{at}: {error}");
                assert_eq!((status.code(), status.message()), (code, message), "{at}");
                assert_eq!(names(&error), ["edge"], "{at}");
                assert!(error.id().is_some() && error.time().is_some(), "{at}");
                assert_silent(&at, status, &error);
            }
        }
    }
}

#[actix::test]
async fn of_a_status_that_is_not_rich_an_edge_passes_on_the_code_or_nothing() {
    let said = "(Unknown | GRPEAKEC | 1000) an unknown error occurred";
    for (what, code) in [(PassOn::Identity, Code::FailedPrecondition), (PassOn::Nothing, Code::Unknown)] {
        for passes in PASSED {
            let edge = ErrorGenerator::new("edge").pass_on(what);
            let told = told_of(Case::Plain, serving(), edge, passes).await;
            for (kind, status, error) in told.both() {
                let at = format!("{what:?} {passes:?} {kind}");
                assert_eq!((status.code(), status.message()), (code, said), "{at}");
                assert_eq!(names(&error), ["edge"], "{at}");
                assert!(
                    !format!("{status:?}").contains("its text")
                        && status.metadata().get("majordomo-received").is_none(),
                    "{at}"
                );
            }
        }
    }
    let told = told_of(Case::Plain, serving(), ErrorGenerator::new("edge"), Passes::AsItIs).await;
    for (kind, status, _) in told.both() {
        assert_eq!(status.message(), format!("{said}: its text"), "{kind}");
    }
}

#[actix::test]
async fn what_the_edge_says_itself_is_told_whatever_it_passes_on() {
    for passes in [Passes::Own, Passes::OwnOfAPart] {
        for what in [PassOn::Allowed, PassOn::Identity, PassOn::Nothing] {
            let edge = ErrorGenerator::new("edge").pass_on(what);
            for (kind, status, error) in told(edge, passes).await.both() {
                let at = format!("{what:?} {passes:?} {kind}");
                assert!(error.is(&ERR_NOT_FOUND), "{at}: {error}");
                assert!(error.message_text().ends_with("own words"), "{at}: {error}");
                assert_silent(&at, status, &error);
            }
        }
    }
}
