//! Set-up and run: the port, and calls.

use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::time::Duration;

use tokio::net::TcpStream;
use tonic::Code;

use crate::clients::wait_for_grpc_server;
use crate::grpc::builtin::ping::PingClient;
use crate::grpc::error::ServerError;
use crate::grpc::tests::probe::{BIG, Probed};
use crate::grpc::tests::rig::{Rig, Stage, endpoint, soon, stream, unary};
use crate::grpc::{GrpcRegistrar, ServerAddress};
use crate::server::listen::{Bound, bind as bind_all};
use crate::service::{Deadlines, Role, ShutdownSignal};

fn nobody_asks() -> ShutdownSignal {
    ShutdownSignal::new(Deadlines::default().into(), Role::Service)
}

async fn bind(wanted: &ServerAddress, shutdown: &ShutdownSignal) -> Result<Bound, ServerError> {
    let mut bound = bind_all(std::slice::from_ref(wanted), shutdown).await?;
    assert_eq!(bound.len(), 1);
    Ok(bound.remove(0))
}

fn port_of(bound: &Bound) -> SocketAddr {
    bound.address().as_tcp().unwrap()
}

#[actix::test]
async fn g02_a_call_is_answered_once_the_server_runs() {
    let mut probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let channel = rig.channel().await;
    PingClient::new(channel.clone()).ping(()).await.unwrap();
    assert_eq!(unary(channel.clone(), "Big").await.unwrap().len(), BIG);
    let peer = probed.entered.recv().await.unwrap().expect("handlers see their peer's address");
    assert!(peer.ip().is_loopback());
    assert_eq!(unary(channel, "Unknown").await.unwrap_err().code(), Code::Unimplemented);
    soon(rig.stage.shut_down(None)).await.unwrap().unwrap();
    soon(rig.run).await.unwrap().unwrap();
}

#[tokio::test]
async fn g02_connecting_is_refused_before_the_run() {
    let bound = bind(&ServerAddress::parse("127.0.0.1:0").unwrap(), &nobody_asks()).await.unwrap();
    let address = port_of(&bound);
    assert_ne!(address.port(), 0);
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let _listening = bound.listen().unwrap();
    TcpStream::connect(address).await.unwrap();
}

#[tokio::test]
async fn every_kind_of_address_is_bound() {
    for text in ["localhost:0", "[::1]:0", ":0", "0.0.0.0:0"] {
        let bound = bind(&ServerAddress::parse(text).unwrap(), &nobody_asks()).await.unwrap();
        let port = port_of(&bound).port();
        let _listening = bound.listen().unwrap();
        let host = if text.starts_with("[::1]") { "::1" } else { "127.0.0.1" };
        TcpStream::connect((host, port)).await.unwrap();
    }
}

#[tokio::test]
async fn a_socket_whose_file_another_server_has_replaced_is_not_listened_on_and_that_file_stays() {
    let path = std::env::temp_dir().join(format!("majordomo-replaced-{}", std::process::id()));
    let wanted = ServerAddress::parse(&format!("unix:{}", path.display())).unwrap();
    let first = bind(&wanted, &nobody_asks()).await.unwrap();
    // It does not listen yet, so it looks left behind.
    let second = bind(&wanted, &nobody_asks()).await.unwrap();
    let error = ServerError::from(first.listen().unwrap_err()).to_string();
    assert!(error.contains("another file is in its place") && error.contains(&wanted.to_string()), "{error}");
    assert!(path.exists());
    let second = second.listen().unwrap();
    tokio::net::UnixStream::connect(&path).await.unwrap();
    drop(second);
    assert!(!path.exists());
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_refused_at_once() {
    let address = ServerAddress::parse("192.0.2.1:50051").unwrap();
    let error = bind(&address, &nobody_asks()).await.unwrap_err().to_string();
    assert!(error.contains("cannot listen on 192.0.2.1:50051"), "{error}");
}

#[actix::test]
async fn g14_a_port_in_use_is_reported_with_its_address_when_shutdown_is_asked() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let stage = Stage::new(&address, GrpcRegistrar::new());
    let set_up = stage.set_up();
    stage.deadlines.request();
    let error = soon(set_up).await.unwrap().unwrap_err().to_string();
    assert!(error.contains(&address) && error.contains("in use"), "{error}");
}

#[tokio::test]
async fn g14_a_port_in_use_is_tried_again_until_it_is_free() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let (wanted, signal) = (ServerAddress::parse(&address.to_string()).unwrap(), nobody_asks());
    let mut binding = pin!(bind(&wanted, &signal));
    tokio::select! {
        biased;
        _ = binding.as_mut() => panic!("bound a port in use"),
        () = std::future::ready(()) => {}
    }
    drop(other);
    assert_eq!(port_of(&soon(binding).await.unwrap()), address);
}

#[tokio::test(start_paused = true)]
async fn g14_a_port_in_use_is_given_up_after_half_a_minute() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let wanted = ServerAddress::parse(&other.local_addr().unwrap().to_string()).unwrap();
    let began = tokio::time::Instant::now();
    let error = bind(&wanted, &nobody_asks()).await.unwrap_err().to_string();
    assert!((30..32).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert!(error.contains("30.0s") && !error.contains("shutdown"), "{error}");
}

#[actix::test]
async fn g11_a_handler_that_panics_is_answered_internal_and_no_other_call_notices() {
    let mut probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let channel = rig.channel().await;
    let held = tokio::spawn({
        let channel = channel.clone();
        async move { unary(channel, "Hold").await }
    });
    probed.entered.recv().await.unwrap();

    let status = unary(channel.clone(), "Panic").await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "the handler panicked"));
    let mut broken = stream(channel.clone(), "PanicInStream").await.unwrap();
    assert_eq!(broken.message().await.unwrap().unwrap(), b"first");
    assert_eq!(broken.message().await.unwrap_err().code(), Code::Internal);

    probed.probe.go.cancel();
    assert_eq!(soon(held).await.unwrap().unwrap(), b"held");
}

#[actix::test]
async fn a_client_waits_until_a_server_answers_whatever_it_answers() {
    let probed = Probed::new();
    let rig = Rig::serve(&probed.probe).await;
    let channel = endpoint(rig.address).connect_lazy();
    wait_for_grpc_server(channel, Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn a_client_that_waited_in_vain_is_told_why() {
    let bound = bind(&ServerAddress::parse("127.0.0.1:0").unwrap(), &nobody_asks()).await.unwrap();
    let channel = endpoint(port_of(&bound)).connect_lazy();
    let error = wait_for_grpc_server(channel, Duration::from_millis(60)).await.unwrap_err().to_string();
    assert!(error.contains("60ms") && error.contains("refused"), "{error}");
}
