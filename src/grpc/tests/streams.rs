//! Streams in a drain.

use std::time::Duration;

use tonic::Code;

use crate::grpc::GrpcServerOptions;
use crate::grpc::tests::probe::Probed;
use crate::grpc::tests::rig::{Rig, soon, stream, unary};

#[actix::test]
async fn g20_streams_end_after_their_grace_which_is_no_failure_and_unary_calls_go_on() {
    let mut probed = Probed::new();
    let grace = Duration::from_millis(50);
    let rig = Rig::serve_with(&probed.probe, GrpcServerOptions::new().stream_grace(grace)).await;
    let channel = rig.channel().await;
    let mut endless = stream(channel.clone(), "Endless").await.unwrap();
    let mut flood = stream(channel.clone(), "Flood").await.unwrap();
    probed.entered.recv().await.unwrap();
    probed.entered.recv().await.unwrap();
    let held = tokio::spawn(unary(channel, "Hold"));
    probed.entered.recv().await.unwrap();
    let ended = rig.stage.shut_down(None);
    for stream in [&mut endless, &mut flood] {
        let status = loop {
            match soon(stream.message()).await {
                Ok(message) => assert!(message.is_some(), "it ended without a status"),
                Err(status) => break status,
            }
        };
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "the server is going away"));
    }
    probed.probe.go.cancel();
    soon(held).await.unwrap().unwrap();
    soon(ended).await.unwrap().unwrap();
    assert_eq!(rig.gauge.streams_ended(), 2);
}
