//! G24: the gRPC server gives way to a successor, and resumes.

use tokio::net::TcpStream;

use crate::grpc::GrpcServerOptions;
use crate::grpc::tests::probe::Probed;
use crate::grpc::tests::rig::{Rig, soon, unary};
use crate::server::tests::peers::{Http1, Http2, body};

/// A connection that goes away once the server gives way.
async fn witness(rig: &Rig) -> Http2 {
    let mut witness = Http2::connect(TcpStream::connect(rig.address).await.unwrap()).await;
    body(witness.send("/").await).await;
    witness
}

#[actix::test]
async fn g24_calls_in_flight_finish_while_the_server_gives_way_and_it_serves_again_when_it_resumes() {
    let mut probed = Probed::new();
    let mut rig = Rig::serve(&probed.probe).await;
    let channel = rig.channel().await;
    let held = tokio::task::spawn_local(unary(channel.clone(), "Hold"));
    probed.entered.recv().await.unwrap();
    let witness = witness(&rig).await;
    rig.stage.give_way.give_way();
    soon(witness.goes_away()).await;
    let waits = TcpStream::connect(rig.address).await.unwrap();
    probed.probe.go.cancel();
    soon(held).await.unwrap().unwrap();
    soon(rig.stage.gave_way.recv()).await.unwrap();
    rig.stage.give_way.resume();
    let mut waits = Http2::connect(waits).await;
    body(waits.send("/").await).await;
    soon(unary(channel, "Hold")).await.unwrap();
    let shut_down = rig.stage.shut_down(None);
    soon(shut_down).await.unwrap().unwrap();
    soon(rig.run).await.unwrap().unwrap();
}

#[actix::test]
async fn g24_a_call_of_grpc_web_on_a_kept_connection_is_its_last_while_the_server_gives_way() {
    let probed = Probed::new();
    let rig =
        Rig::serve_with(&probed.probe, GrpcServerOptions::new().workers(2).grpc_web(true).served()).await;
    let mut web = Http1(TcpStream::connect(rig.address).await.unwrap());
    let call = "POST /pkping.Ping/Ping HTTP/1.1\r\nHost: test\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0";
    web.send_text(call).await;
    let answer = web.read_to("\r\n0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("connection: close"), "{answer}");
    let witness = witness(&rig).await;
    rig.stage.give_way.give_way();
    soon(witness.goes_away()).await;
    web.send_text(call).await;
    let answer = web.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    soon(rig.stage.shut_down(None)).await.unwrap().unwrap();
}
