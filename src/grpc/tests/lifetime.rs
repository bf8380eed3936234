//! How long a connection is kept, in paused time.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Code;

use crate::grpc::GrpcServerOptions;
use crate::grpc::tests::peer::{Peer, told};
use crate::grpc::tests::probe::Probed;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_calls_is_told_to_leave_after_its_idle_limit() {
    let probed = Probed::new();
    let options = GrpcServerOptions::new().max_connection_idle(seconds(30));
    let peer = Peer::connect(&options, &probed.probe).await;
    let began = Instant::now();
    peer.drive.await.unwrap().expect("the connection ends in order, not by a reset");
    peer.served.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn being_idle_counts_from_the_end_of_the_last_call() {
    let probed = Probed::new();
    let options = GrpcServerOptions::new().max_connection_idle(seconds(30));
    let mut peer = Peer::connect(&options, &probed.probe).await;
    let began = Instant::now();
    // One within the first sleep, one that is longer than the limit.
    tokio::time::sleep(seconds(20)).await;
    assert_eq!(told(peer.call("Big", &[]).await).await.code, Code::Ok);
    tokio::time::sleep(seconds(20)).await;
    let held = told(peer.call("Hold", &[("grpc-timeout", "100S")]).await).await;
    assert_eq!(held.code, Code::DeadlineExceeded);
    peer.drive.await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 20 + 20 + 100 + 30);
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_is_told_to_leave_and_finishes_its_calls() {
    let mut probed = Probed::new();
    let options = GrpcServerOptions::new().max_connection_age(seconds(1000));
    let mut peer = Peer::connect(&options, &probed.probe).await;
    let held = tokio::spawn(told(peer.call("Hold", &[]).await));
    probed.entered.recv().await.unwrap();
    let began = Instant::now();
    // A connection that was told to leave takes no further call.
    while peer.sender.clone().ready().await.is_ok() {
        tokio::time::sleep(seconds(1)).await;
    }
    assert!((899..=1102).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    // Without a grace the call may go on for as long as it likes.
    tokio::time::sleep(seconds(24 * 60 * 60)).await;
    assert!(!held.is_finished());
    probed.probe.go.cancel();
    assert_eq!(held.await.unwrap().code, Code::Ok);
    peer.drive.await.unwrap().unwrap();
    peer.served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_of_an_old_connection_are_cut_after_its_grace() {
    let probed = Probed::new();
    let age = GrpcServerOptions::new().max_connection_age(seconds(1000));
    let mut peer = Peer::connect(&age.max_connection_age_grace(seconds(5000)), &probed.probe).await;
    let began = Instant::now();
    let response = peer.call("Hold", &[]).await;
    assert!(response.await.is_err());
    peer.served.await.unwrap();
    assert!((5900..=6100).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}
