//! The gRPC service `test.Failing`: its methods fail as they are asked to, of each kind that there is.

mod raw;

use std::convert::Infallible;
use std::future::Future;
use std::panic::panic_any;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::uri::PathAndQuery;
use http::{Request, Response};
use majordomo::BoxError;
use majordomo::api_errors::{ApiError, ErrorGenerator, OrNothing, SentinelError, SentinelIssuer};
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::server::NamedService;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;

pub(crate) use raw::Raw;

static TESTS: SentinelIssuer = SentinelIssuer::new("failing tests", false);
pub(crate) static ERR_LOST: SentinelError = TESTS.sentinel("DataLost", 2000, Code::DataLoss, "data was lost");

/// How the service fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Case {
    Rich,
    Wrapped,
    /// As a user's own conversion would have it, by tonic alone.
    WrappedByTonic,
    Sentinel,
    WrappedSentinel,
    Other,
    Plain,
    PanicRich,
    PanicWrapped,
    PanicSentinel,
    PanicWrappedSentinel,
    PanicOther,
    PanicText,
    PanicNumber,
    Nothing,
}

/// When it does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum When {
    AtOnce,
    /// After a first message, where there is more than one.
    InMidStream,
}

/// Which methods there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Unary,
    ServerStream,
    ClientStream,
    Bidi,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::Unary, Kind::ServerStream, Kind::ClientStream, Kind::Bidi];

impl Kind {
    fn path(self) -> PathAndQuery {
        format!("/test.Failing/{self:?}").parse().unwrap()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("outer text: {0}")]
struct Outer(#[source] BoxError);

/// What the service answers.
#[derive(Clone)]
pub(crate) struct Failing {
    pub(crate) errors: ErrorGenerator,
    pub(crate) case: Case,
    pub(crate) when: When,
}

impl Failing {
    fn rich(&self) -> ApiError {
        let source = std::io::Error::other("the disk is gone");
        self.errors.error(&ERR_LOST).message("on purpose").detail(&"a detail".to_owned()).source(source)
    }

    fn fail(&self) -> Status {
        let boxed = |error: Outer| Box::new(error) as BoxError;
        match self.case {
            Case::Rich => self.rich().into(),
            Case::Wrapped => self.errors.status(Outer(self.rich().into())),
            Case::WrappedByTonic => Status::from_error(Box::new(Outer(self.rich().into()))),
            Case::Sentinel => ERR_LOST.into(),
            Case::WrappedSentinel => self.errors.status(Outer(ERR_LOST.into())),
            Case::Other => self.errors.status("its text"),
            Case::Plain | Case::Nothing => Status::failed_precondition("its text"),
            Case::PanicRich => panic_any(self.rich()),
            Case::PanicWrapped => panic_any(boxed(Outer(self.rich().into()))),
            Case::PanicSentinel => panic_any(ERR_LOST),
            Case::PanicWrappedSentinel => panic_any(boxed(Outer(ERR_LOST.into()))),
            Case::PanicOther => panic_any(BoxError::from("its text")),
            Case::PanicText => panic!("its {}", "text"),
            Case::PanicNumber => panic_any(11),
        }
    }

    fn one(&self) -> Result<tonic::Response<String>, Status> {
        match self.case {
            Case::Nothing => None.or_nothing(),
            _ => Err(self.fail()),
        }
    }

    fn stream(self) -> Result<tonic::Response<impl Stream<Item = Result<String, Status>>>, Status> {
        if self.when == When::AtOnce {
            return Err(self.fail());
        }
        // Not ready at once: messages that are still being put together go with a panic.
        let last = tokio_stream::once(self).then(|own| async move {
            tokio::task::yield_now().await;
            Err(own.fail())
        });
        Ok(tonic::Response::new(tokio_stream::once(Ok("first".to_owned())).chain(last)))
    }
}

impl NamedService for Failing {
    const NAME: &'static str = "test.Failing";
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl tower::Service<Request<Body>> for Failing {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let own = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<String, String>::default());
            let path = request.uri().path().to_owned();
            Ok(match path.rsplit('/').next().unwrap() {
                "Unary" => {
                    let answer = move |_: tonic::Request<String>| std::future::ready(own.one());
                    grpc.unary(tower::service_fn(answer), request).await
                }
                "ServerStream" => {
                    let answer = move |_: tonic::Request<String>| std::future::ready(own.clone().stream());
                    grpc.server_streaming(tower::service_fn(answer), request).await
                }
                "ClientStream" => {
                    let answer = move |_: tonic::Request<Streaming<String>>| std::future::ready(own.one());
                    grpc.client_streaming(tower::service_fn(answer), request).await
                }
                _ => {
                    let answer =
                        move |_: tonic::Request<Streaming<String>>| std::future::ready(own.clone().stream());
                    grpc.streaming(tower::service_fn(answer), request).await
                }
            })
        })
    }
}

/// Calls a method; how many messages came, and how it ended.
pub(crate) async fn call<C>(channel: C, kind: Kind) -> (Vec<String>, Result<(), Status>)
where
    C: GrpcService<Body>,
    C::Error: Into<BoxError>,
    C::ResponseBody: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    <C::ResponseBody as http_body::Body>::Error: Into<BoxError> + Send,
{
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|error| error.into().to_string()).unwrap();
    let codec = ProstCodec::<String, String>::default;
    let (one, many) = (
        || tonic::Request::new(String::new()),
        || tonic::Request::new(tokio_stream::iter(["a".to_owned(), "b".to_owned()])),
    );
    let stream = match kind {
        Kind::Unary => {
            let answer = client.unary(one(), kind.path(), codec()).await;
            return answer.map_or_else(|s| (vec![], Err(s)), |answer| (vec![answer.into_inner()], Ok(())));
        }
        Kind::ClientStream => {
            let answer = client.client_streaming(many(), kind.path(), codec()).await;
            return answer.map_or_else(|s| (vec![], Err(s)), |answer| (vec![answer.into_inner()], Ok(())));
        }
        Kind::ServerStream => client.server_streaming(one(), kind.path(), codec()).await,
        Kind::Bidi => client.streaming(many(), kind.path(), codec()).await,
    };
    let mut stream = match stream {
        Ok(stream) => stream.into_inner(),
        Err(status) => return (vec![], Err(status)),
    };
    let mut messages = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return (messages, Ok(())),
            Err(status) => return (messages, Err(status)),
        }
    }
}
