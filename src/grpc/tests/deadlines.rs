//! Calls that run out of time, by their own deadline or the drain's, in paused time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tonic::Code;

use crate::grpc::GrpcServerOptions;
use crate::grpc::tests::peer::{Peer, serving, told};
use crate::grpc::tests::probe::Probed;
use crate::server::state::WorkerState;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_deadline_exceeded_when_its_clients_timeout_has_passed() {
    let probed = Probed::new();
    let mut peer = Peer::connect(&GrpcServerOptions::new(), &probed.probe).await;
    let began = Instant::now();
    let told = told(peer.call("Hold", &[("grpc-timeout", "250m")]).await).await;
    assert_eq!((told.code, told.headers_only), (Code::DeadlineExceeded, true), "{told:?}");
    assert!((250..260).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    probed.probe.dropped.cancelled().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_ended_by_trailers_when_the_servers_timeout_has_passed() {
    let probed = Probed::new();
    let options = GrpcServerOptions::new().request_timeout(seconds(3));
    let mut peer = Peer::connect(&options, &probed.probe).await;
    let began = Instant::now();
    let told = told(peer.call("Endless", &[("grpc-timeout", "1H")]).await).await;
    assert_eq!((told.code, told.headers_only), (Code::DeadlineExceeded, false), "{told:?}");
    assert_eq!(told.message, "the server's request timeout has passed");
    assert!(told.bytes > 0);
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_pauses_is_ended_at_its_deadline_too() {
    let mut probed = Probed::new();
    let mut peer = Peer::connect(&GrpcServerOptions::new(), &probed.probe).await;
    let response = peer.call("Flood", &[("grpc-timeout", "3S")]).await;
    let flood = tokio::spawn(told(response));
    probed.entered.recv().await.unwrap();
    // It is busy for ever, so that time does not pass by itself.
    tokio::time::advance(seconds(2)).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!flood.is_finished());
    tokio::time::advance(seconds(2)).await;
    let told = flood.await.unwrap();
    assert_eq!(told.code, Code::DeadlineExceeded, "{told:?}");
    assert!(told.bytes > 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_peer_does_not_read_is_reset_after_its_deadline() {
    let probed = Probed::new();
    let (options, taken) = (GrpcServerOptions::new().max_concurrent_calls(1), Arc::default());
    let mut peer =
        Peer::connect_to(WorkerState::new(options.engine, Arc::clone(&taken)), &probed.probe).await;
    let began = Instant::now();
    let response = peer.call("Flood", &[("grpc-timeout", "3S")]).await;
    let mut body = response.await.unwrap().into_body();
    // What fits the window comes; no more is granted.
    let error = loop {
        match body.data().await.expect("the answer does not end in order") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error.is_reset(), "{error}");
    assert_eq!(taken.load(Ordering::Relaxed), 0, "the call is over");
    assert!((3000..3100).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_request_never_ends_has_a_deadline_too() {
    let mut probed = Probed::new();
    let mut peer = Peer::connect(&GrpcServerOptions::new(), &probed.probe).await;
    let (response, _request) = peer.open("Hold", &[("grpc-timeout", "1S")]).await;
    assert_eq!(told(response).await.code, Code::DeadlineExceeded);
    assert!(probed.entered.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_deadline_may_take_for_ever() {
    let probed = Probed::new();
    let mut peer = Peer::connect(&GrpcServerOptions::new(), &probed.probe).await;
    let mut held = tokio::spawn(told(peer.call("Hold", &[]).await));
    let day = tokio::time::timeout(seconds(24 * 60 * 60), &mut held).await;
    assert!(day.is_err(), "{day:?}");
    probed.probe.go.cancel();
    assert_eq!(held.await.unwrap().code, Code::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_malformed_timeout_is_answered_internal_and_not_handled() {
    let mut probed = Probed::new();
    let mut peer = Peer::connect(&GrpcServerOptions::new(), &probed.probe).await;
    let told = told(peer.call("Hold", &[("grpc-timeout", "soon")]).await).await;
    assert_eq!(told.code, Code::Internal);
    assert!(told.message.contains("malformed grpc-timeout"), "{told:?}");
    assert!(probed.entered.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_out_of_time_when_it_arrives_is_not_handled() {
    let mut probed = Probed::new();
    let mut peer = Peer::connect(&GrpcServerOptions::new(), &probed.probe).await;
    for method in ["Big", "Panic", "Flood"] {
        let told = told(peer.call(method, &[("grpc-timeout", "0n")]).await).await;
        assert_eq!((told.code, told.headers_only), (Code::DeadlineExceeded, true), "{method}: {told:?}");
        assert_eq!(told.message, "deadline exceeded");
    }
    assert!(probed.entered.try_recv().is_err());
    assert_eq!(told(peer.call("Big", &[("grpc-timeout", "1S")]).await).await.code, Code::Ok);
    probed.entered.try_recv().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_arrives_when_calls_are_called_off_is_not_handled() {
    let mut probed = Probed::new();
    let worker = WorkerState::default();
    worker.off.store(true, Ordering::Relaxed);
    worker.called_off.cancel();
    let mut peer = Peer::connect_to(worker, &probed.probe).await;
    let told = told(peer.call("Big", &[]).await).await;
    assert_eq!((told.code, told.headers_only), (Code::Unavailable, true), "{told:?}");
    assert!(probed.entered.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_turn_comes_after_its_deadline_is_not_handled_and_the_next_one_is() {
    let mut probed = Probed::new();
    let options = GrpcServerOptions::new().max_concurrent_calls_per_connection(1);
    let mut peer = Peer::connect(&options, &probed.probe).await;
    let first = tokio::spawn(told(peer.call("Hold", &[]).await));
    probed.entered.recv().await.unwrap();
    let late = tokio::spawn(told(peer.call("Big", &[("grpc-timeout", "1S")]).await));
    let next = tokio::spawn(told(peer.call("Medium", &[]).await));
    // Both wait in the queue by then.
    tokio::time::sleep(Duration::from_millis(500)).await;
    // The turn is given on before the late one has noticed the time.
    probed.probe.go.cancel();
    tokio::time::advance(seconds(1)).await;
    let late = late.await.unwrap();
    assert_eq!((late.code, late.headers_only), (Code::DeadlineExceeded, true), "{late:?}");
    for answered in [first, next] {
        assert_eq!(answered.await.unwrap().code, Code::Ok);
    }
    probed.entered.try_recv().unwrap();
    assert!(probed.entered.try_recv().is_err(), "only the next one was handled");
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_not_handled_do_not_make_a_heavy_method_look_light() {
    let probed = Probed::new();
    let application = serving(probed.probe.router(), &GrpcServerOptions::new());
    let cost = &application.router.find("/test.Probe/Big").method.cost;
    cost.measured(Duration::from_micros(50));
    let mut peer = Peer::connect_by(WorkerState::default(), application.clone()).await;
    for timeout in ["0n", "0n", "malformed"] {
        assert_ne!(told(peer.call("Big", &[("grpc-timeout", timeout)]).await).await.code, Code::Ok);
    }
    assert_eq!(cost.heavy(), Some(50_000));
}
