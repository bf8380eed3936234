use futures_util::stream;
use majordomo::testing::ManagerSuite;
use recipes::greeter::GreetRequest;
use recipes::greeter::greeter_client::GreeterClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest as Ask;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse as Answer;

#[actix::test]
async fn it_greets_and_reflection_knows_its_contract() {
    let suite = ManagerSuite::start(recipes::greeter::manager("127.0.0.1:0")).await;
    let mut client = GreeterClient::new(suite.channel());
    let greeted = client.greet(GreetRequest { name: "Ada".to_owned() }).await.unwrap();
    assert_eq!(greeted.into_inner().text, "hello, Ada");

    let ask = Ask::FileContainingSymbol("greeter.v1.Greeter".to_owned());
    let ask = ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut client = ServerReflectionClient::new(suite.channel());
    let mut answers = client.server_reflection_info(stream::iter([ask])).await.unwrap().into_inner();
    match answers.message().await.unwrap().unwrap().message_response {
        Some(Answer::FileDescriptorResponse(files)) => assert_eq!(files.file_descriptor_proto.len(), 1),
        other => panic!("{other:?}"),
    }
    drop((client, answers));
    suite.shutdown().await;
}
