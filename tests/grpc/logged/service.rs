//! The gRPC service `test.Texts`, of every kind of method, which does as it is called; and its client.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::uri::PathAndQuery;
use http::{Request, Response};
use majordomo::GrpcRegistrar;
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::codegen::BoxStream;
use tonic::server::NamedService;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;
use tracing::info;

use support::{Gate, within};

/// The message of all methods.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

/// The same in the eyes of a client that is mistaken.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Number {
    #[prost(int64, tag = "1")]
    number: i64,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned() }
    }
}

/// The service.
#[derive(Clone)]
pub(crate) struct Texts {
    entered: mpsc::UnboundedSender<()>,
    go: Gate,
}

/// What tests hold of it.
pub(crate) struct Held {
    entered: mpsc::UnboundedReceiver<()>,
    /// Lets `Hold` go.
    pub(crate) go: Gate,
}

impl Held {
    /// Waits until `Hold` has been entered.
    pub(crate) async fn entered(&mut self) {
        within("the call", self.entered.recv()).await.unwrap();
    }
}

/// By name: whether the client streams, whether the server does.
const METHODS: [(&str, bool, bool); 11] = [
    ("Echo", false, false),
    ("Hold", false, false),
    ("Speak", false, false),
    ("Fail", false, false),
    ("Miss", false, false),
    ("Panic", false, false),
    ("Join", true, false),
    ("Split", false, true),
    ("Forever", false, true),
    ("PanicLate", false, true),
    ("Chat", true, true),
];

impl Texts {
    pub(crate) fn new() -> (Self, Held) {
        let (entered, receiver) = mpsc::unbounded_channel();
        let go = Gate::default();
        (Self { entered, go: go.clone() }, Held { entered: receiver, go })
    }

    pub(crate) fn register(&self, server: &GrpcRegistrar) {
        server.add_service(self.clone());
        server.add_file_descriptor_set(descriptors());
    }

    async fn unary(self, method: &str, text: Text) -> Result<Text, Status> {
        match method {
            "Echo" => Ok(text),
            "Hold" => {
                struct Dropped;
                impl Drop for Dropped {
                    fn drop(&mut self) {
                        info!(target: "test", "dropped");
                    }
                }
                let _dropped = Dropped;
                let _ = self.entered.send(());
                self.go.passed().await;
                Ok(text)
            }
            "Speak" => {
                info!(target: "test", "before");
                tokio::task::yield_now().await;
                info!(target: "test", "after");
                tokio::spawn(async { info!(target: "test", "spawned") }).await.unwrap();
                Ok(text)
            }
            "Fail" => {
                let root = std::io::Error::other("the disk is full");
                let mut status = Status::internal("cannot write");
                status.set_source(std::sync::Arc::new(Wrapped(root)));
                Err(status)
            }
            "Miss" => Err(Status::new(Code::NotFound, "no such text")),
            _ => panic!("on purpose"),
        }
    }

    fn split(method: &str, text: &Text) -> BoxStream<Text> {
        let words: Vec<_> = text.text.split(' ').map(|word| Ok(word.into())).collect();
        let words = tokio_stream::iter(words);
        match method {
            "Split" => return Box::pin(words),
            "Forever" => return Box::pin(words.chain(tokio_stream::pending())),
            _ => {}
        }
        Box::pin(words.chain(tokio_stream::once(()).then(|()| async {
            info!(target: "test", "about to panic");
            tokio::task::yield_now().await;
            panic!("late on purpose")
        })))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the file is closed")]
struct Wrapped(#[source] std::io::Error);

impl NamedService for Texts {
    const NAME: &'static str = "test.Texts";
}

impl tower::Service<Request<Body>> for Texts {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let texts = self.clone();
        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
        let kind =
            METHODS.iter().find(|(name, ..)| *name == method).map(|&(_, client, server)| (client, server));
        let mut grpc = tonic::server::Grpc::new(ProstCodec::<Text, Text>::default())
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        Box::pin(async move {
            Ok(match kind {
                Some((false, false)) => {
                    let answer = tower::service_fn(move |request: tonic::Request<Text>| {
                        let (texts, method) = (texts.clone(), method.clone());
                        async move { texts.unary(&method, request.into_inner()).await.map(tonic::Response::new) }
                    });
                    grpc.unary(answer, request).await
                }
                Some((false, true)) => {
                    let answer = tower::service_fn(move |request: tonic::Request<Text>| {
                        let stream = Texts::split(&method, request.get_ref());
                        async move { Ok::<_, Status>(tonic::Response::new(stream)) }
                    });
                    grpc.server_streaming(answer, request).await
                }
                Some((true, false)) => {
                    let answer = tower::service_fn(|request: tonic::Request<Streaming<Text>>| async {
                        let texts: Vec<_> = request.into_inner().collect::<Result<_, _>>().await?;
                        let texts: Vec<_> = texts.iter().map(|text: &Text| &*text.text).collect();
                        Ok::<_, Status>(tonic::Response::new(Text::from(&*texts.join(" "))))
                    });
                    grpc.client_streaming(answer, request).await
                }
                Some((true, true)) => {
                    let answer = tower::service_fn(|request: tonic::Request<Streaming<Text>>| async {
                        Ok::<_, Status>(tonic::Response::new(request.into_inner()))
                    });
                    grpc.streaming(answer, request).await
                }
                None => Status::unimplemented(method).into_http(),
            })
        })
    }
}

fn descriptors() -> Vec<u8> {
    let field = FieldDescriptorProto {
        name: Some("text".to_owned()),
        number: Some(1),
        label: Some(Label::Optional.into()),
        r#type: Some(Type::String.into()),
        json_name: Some("text".to_owned()),
        ..FieldDescriptorProto::default()
    };
    let message =
        DescriptorProto { name: Some("Text".to_owned()), field: vec![field], ..DescriptorProto::default() };
    let method = |&(name, client_streaming, server_streaming): &(&str, bool, bool)| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".test.Text".to_owned()),
        output_type: Some(".test.Text".to_owned()),
        client_streaming: Some(client_streaming),
        server_streaming: Some(server_streaming),
        ..MethodDescriptorProto::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("Texts".to_owned()),
        method: METHODS.iter().map(method).collect(),
        ..ServiceDescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some("texts.proto".to_owned()),
        package: Some("test".to_owned()),
        message_type: vec![message],
        service: vec![service],
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

/// A client of the service.
#[derive(Clone)]
pub(crate) struct Client(pub(crate) Channel);

impl Client {
    async fn grpc(&self) -> tonic::client::Grpc<Channel> {
        let mut grpc = tonic::client::Grpc::new(self.0.clone());
        within("readiness", grpc.ready()).await.unwrap();
        grpc
    }

    pub(crate) async fn unary(&self, method: &str, text: &str) -> Result<String, Status> {
        self.send(self.grpc().await, method, Text::from(text)).await
    }

    /// The same, with such a `grpc-timeout`.
    pub(crate) async fn timed(&self, method: &str, timeout: &'static str) -> Result<String, Status> {
        let mut request = tonic::Request::new(Text::default());
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        self.request(self.grpc().await, method, request).await
    }

    /// The same, with both messages compressed.
    pub(crate) async fn compressed(&self, method: &str, text: &str) -> Result<String, Status> {
        let grpc = self.grpc().await;
        let grpc =
            grpc.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
        self.send(grpc, method, Text::from(text)).await
    }

    /// The same, with a message of a wrong type.
    pub(crate) async fn mistaken(&self, method: &str) -> Result<String, Status> {
        self.send(self.grpc().await, method, Number { number: 7 }).await
    }

    async fn send<M: Message + 'static>(
        &self,
        grpc: tonic::client::Grpc<Channel>,
        method: &str,
        message: M,
    ) -> Result<String, Status> {
        self.request(grpc, method, tonic::Request::new(message)).await
    }

    async fn request<M: Message + 'static>(
        &self,
        mut grpc: tonic::client::Grpc<Channel>,
        method: &str,
        request: tonic::Request<M>,
    ) -> Result<String, Status> {
        let codec = ProstCodec::<M, Text>::default();
        let call = grpc.unary(request, path(method), codec);
        within(method, call).await.map(|answer| answer.into_inner().text)
    }

    /// Sends texts and reads what comes back, to its end.
    pub(crate) async fn stream(
        &self,
        method: &str,
        texts: impl Stream<Item = &'static str> + Send + 'static,
    ) -> Result<Vec<String>, Status> {
        let codec = ProstCodec::<Text, Text>::default();
        let request = tonic::Request::new(texts.map(Text::from));
        let mut grpc = self.grpc().await;
        let mut answers = within(method, grpc.streaming(request, path(method), codec)).await?.into_inner();
        let mut all = Vec::new();
        while let Some(answer) = within("a message", answers.message()).await? {
            all.push(answer.text);
        }
        Ok(all)
    }
}

fn path(method: &str) -> PathAndQuery {
    format!("/test.Texts/{method}").parse().unwrap()
}
