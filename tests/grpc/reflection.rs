//! Reflection, asked over real connections in both versions.

use majordomo::ping::{self, Ping, PingServer};
use majordomo::{GrpcServerOptions, ManagerOptions, grpc_service_fn};
use prost::Message;
use prost_types::FileDescriptorProto;
use support::{Observed, Registers, connect, ms, observe, options, within};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::codegen::BoxStream;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest as Ask;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse as Answer;
use tonic_reflection::pb::v1::server_reflection_server::{ServerReflection, ServerReflectionServer};
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_reflection::pb::v1alpha;

/// With ping and reflection.
fn serving() -> ManagerOptions {
    support::serving().grpc_server(GrpcServerOptions::new().reflection_service(true))
}

/// One stream, and what is asked on it.
struct Asks {
    requests: mpsc::UnboundedSender<ServerReflectionRequest>,
    answers: Streaming<ServerReflectionResponse>,
}

impl Asks {
    async fn of(observed: &Observed) -> Result<Self, Status> {
        let mut client = ServerReflectionClient::new(connect(observed).await);
        let (requests, stream) = mpsc::unbounded_channel();
        let asked = client.server_reflection_info(UnboundedReceiverStream::new(stream));
        Ok(Self { requests, answers: within("the stream", asked).await?.into_inner() })
    }

    async fn next(&mut self) -> Option<ServerReflectionResponse> {
        within("an answer", self.answers.message()).await.expect("a stream ends cleanly")
    }

    async fn ask(&mut self, ask: Ask) -> Answer {
        let request = ServerReflectionRequest { host: "here".to_owned(), message_request: Some(ask) };
        self.requests.send(request.clone()).unwrap();
        let response = self.next().await.unwrap();
        assert_eq!((&*response.valid_host, response.original_request), ("here", Some(request)));
        response.message_response.unwrap()
    }

    async fn services(&mut self) -> Vec<String> {
        match self.ask(Ask::ListServices(String::new())).await {
            Answer::ListServicesResponse(list) => list.service.into_iter().map(|s| s.name).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// The names of the files with that symbol.
    async fn symbol(&mut self, name: &str) -> Vec<String> {
        match self.ask(Ask::FileContainingSymbol(name.to_owned())).await {
            Answer::FileDescriptorResponse(files) => names(&files.file_descriptor_proto),
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn names(files: &[Vec<u8>]) -> Vec<String> {
    files.iter().map(|file| FileDescriptorProto::decode(&**file).unwrap().name().to_owned()).collect()
}

#[actix::test]
async fn reflection_lists_what_is_served_and_finds_what_was_described() {
    let observed = observe(serving(), |manager| manager);
    let mut asks = Asks::of(&observed).await.unwrap();
    let all = [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "pkping.Ping",
    ];
    assert_eq!(asks.services().await, all);
    assert_eq!(asks.symbol("pkping.Ping").await, ["pkping.proto", "google/protobuf/empty.proto"]);
    for symbol in all {
        assert!(!asks.symbol(symbol).await.is_empty(), "{symbol}");
    }
    // What is not there costs the stream nothing.
    let unknown = asks.ask(Ask::FileByFilename("no.proto".to_owned())).await;
    let Answer::ErrorResponse(error) = unknown else { panic!("{unknown:?}") };
    assert_eq!(error.error_code, Code::NotFound as i32);
    assert!(error.error_message.contains("no.proto"), "{error:?}");
    assert_eq!(asks.services().await, all);
}

#[actix::test]
async fn reflection_v1alpha_answers_the_same() {
    let observed = observe(serving(), |manager| manager);
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(connect(&observed).await);
    let ask = v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol("pkping.Ping".into());
    let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = within("an answer", answers.message()).await.unwrap().unwrap().message_response.unwrap();
    let v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(files) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(names(&files.file_descriptor_proto)[0], "pkping.proto");
    assert!(answers.message().await.unwrap().is_none(), "the stream ends when the client's does");
}

/// A service of the user's own, with its description.
fn mine() -> Registers {
    Registers::new("mine", |server| {
        server.add_service(PingServer::new(Mine));
        server.add_file_descriptor_set(ping::FILE_DESCRIPTOR_SET);
    })
}

#[actix::test]
async fn g17_reflection_is_off_unless_it_is_asked_for() {
    for (options, wanted) in [(support::serving(), Err(Code::Unimplemented)), (serving(), Ok(()))] {
        let observed = observe(options, |manager| manager);
        let asked = Asks::of(&observed).await;
        assert_eq!(asked.map(drop).map_err(|status| status.code()), wanted);
    }
}

#[actix::test]
async fn g17_what_reflection_is_asked_is_short_and_so_is_what_it_repeats() {
    let observed = observe(serving(), |manager| manager);
    let mut asks = Asks::of(&observed).await.unwrap();
    let unknown = asks.ask(Ask::FileByFilename("\u{202e}".repeat(1000))).await;
    let Answer::ErrorResponse(error) = unknown else { panic!("{unknown:?}") };
    assert!(error.error_message.is_ascii() && error.error_message.len() < 300, "{error:?}");

    let message_request = Some(Ask::FileByFilename("x".repeat(5000)));
    asks.requests.send(ServerReflectionRequest { host: String::new(), message_request }).unwrap();
    let refused = within("an answer", asks.answers.message()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
}

#[actix::test]
async fn reflection_serves_the_descriptor_sets_of_services() {
    let on = GrpcServerOptions::new().reflection_service(true).health_service(false);
    let options = options().grpc_server_address("127.0.0.1:0").grpc_server(on);
    let observed = observe(options, |manager| manager.grpc_service(mine()));
    let mut asks = Asks::of(&observed).await.unwrap();
    assert!(asks.services().await.contains(&"pkping.Ping".to_owned()));
    assert_eq!(asks.symbol("pkping.Ping.Ping").await[0], "pkping.proto");
    let health = asks.ask(Ask::FileContainingSymbol("grpc.health.v1.Health".to_owned())).await;
    assert!(matches!(health, Answer::ErrorResponse(_)), "{health:?}");
}

#[actix::test]
async fn g03_a_descriptor_set_that_cannot_be_decoded_fails_the_set_up_of_who_registered_it() {
    let broken = Registers::new("broken", |server| server.add_file_descriptor_set(*b"no descriptors"));
    let ended = observe(serving(), |manager| manager.grpc_service(broken)).ended().await;
    ended.assert_exit_code(1);
    let errors = ended.setup_errors();
    assert_eq!(support::whos(errors.errors()), ["broken (register)"]);
    let error = ended.error().to_string();
    assert!(error.contains("\"broken\" adds a file descriptor set that cannot be served"), "{error}");
}

#[actix::test]
async fn g01_reflection_of_the_users_own_is_refused_unless_the_built_in_one_is_off() {
    let own = Registers::new("own", |server| server.add_service(ServerReflectionServer::new(Mine)));
    let ended = observe(serving(), |manager| manager.grpc_service(own)).ended().await;
    let error = ended.error().to_string();
    assert!(error.contains("GrpcServerOptions::reflection_service(false)"), "{error}");
}

#[actix::test]
async fn g06_an_open_reflection_stream_holds_up_no_drain() {
    // With calls that hold on, this would take 30 s.
    let mut observed = observe(serving(), |manager| manager);
    let mut asks = Asks::of(&observed).await.unwrap();
    assert!(!asks.services().await.is_empty());
    observed.shut_down();
    assert!(asks.next().await.is_none());
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(ended.took.unwrap() < ms(900) + ended.soon(), "{:?}", ended.took);
}

struct Mine;

#[tonic::async_trait]
impl Ping for Mine {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

#[tonic::async_trait]
impl ServerReflection for Mine {
    type ServerReflectionInfoStream = BoxStream<ServerReflectionResponse>;

    async fn server_reflection_info(
        &self,
        _: Request<Streaming<ServerReflectionRequest>>,
    ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
        Err(Status::internal("mine"))
    }
}

struct Pong;

#[tonic::async_trait]
impl ping::Ping for Pong {
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

#[actix::test]
async fn a_service_of_a_closure_tells_what_describes_it() {
    let api = grpc_service_fn("api", |_| async { Ok(PingServer::new(Pong)) });
    let api = api.file_descriptor_set(ping::FILE_DESCRIPTOR_SET);
    let mut observed = observe(serving().grpc_ping_service(false), |manager| manager.grpc_service(api));
    let mut asks = Asks::of(&observed).await.unwrap();
    assert_eq!(asks.symbol("pkping.Ping").await, ["pkping.proto", "google/protobuf/empty.proto"]);
    drop(asks);
    observed.shut_down();
    observed.ended().await.assert_ok();
}
