//! How many and how large: what the options allow, and what becomes of more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::body::Bytes;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;

use crate::grpc::GrpcServerOptions;
use crate::grpc::builtin::ping::PingClient;
use crate::grpc::call::connect_info::addresses;
use crate::grpc::tests::peer::{Peer, Told, alone, nothing_served, told};
use crate::grpc::tests::probe::{BIG, Probed};
use crate::grpc::tests::rig::{Rig, endpoint, soon};
use crate::server::connection::serve::serve;
use crate::server::connection::state::Connection;
use crate::server::state::WorkerState;

#[tokio::test(start_paused = true)]
async fn calls_beyond_a_connections_limit_wait_their_turn() {
    let mut probed = Probed::new();
    let options = GrpcServerOptions::new().max_concurrent_calls_per_connection(1);
    let mut peer = Peer::connect(&options, &probed.probe).await;
    let first = tokio::spawn(told(peer.call("Hold", &[]).await));
    probed.entered.recv().await.unwrap();
    let second = tokio::spawn(told(peer.call("Big", &[]).await));
    // Its deadline runs while it waits.
    assert_eq!(told(peer.call("Big", &[("grpc-timeout", "1S")]).await).await.code, Code::DeadlineExceeded);
    assert!(probed.entered.try_recv().is_err() && !second.is_finished());
    probed.probe.go.cancel();
    assert_eq!(first.await.unwrap().code, Code::Ok);
    assert_eq!(second.await.unwrap().code, Code::Ok);
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_servers_limit_are_answered_resource_exhausted_at_once() {
    let mut probed = Probed::new();
    let options = GrpcServerOptions::new().max_concurrent_calls(1);
    let taken = Arc::<AtomicUsize>::default();
    let worker = || WorkerState::new(options.engine.clone(), Arc::clone(&taken));
    let mut one = Peer::connect_to(worker(), &probed.probe).await;
    let mut other = Peer::connect_to(worker(), &probed.probe).await;
    let held = tokio::spawn(told(one.call("Hold", &[]).await));
    probed.entered.recv().await.unwrap();

    let shed = told(other.call("Big", &[]).await).await;
    assert_eq!((shed.code, shed.headers_only), (Code::ResourceExhausted, true), "{shed:?}");
    assert!(probed.entered.try_recv().is_err());
    probed.probe.go.cancel();
    assert_eq!(held.await.unwrap().code, Code::Ok);
    assert_eq!(told(other.call("Big", &[]).await).await.code, Code::Ok);
    assert_eq!(taken.load(Ordering::Relaxed), 0);
}

/// Calls with a message that is so long as it is sent.
async fn call_with(options: &GrpcServerOptions, length: usize) -> Told {
    let probed = Probed::new();
    let mut peer = Peer::connect(options, &probed.probe).await;
    let (response, mut request) = peer.open("Big", &[]).await;
    // The tag and the length of the only field take four bytes.
    let message = vec![7_u8; length - 4].encode_to_vec();
    assert_eq!(message.len(), length);
    let header = (length as u32).to_be_bytes();
    let bytes = [&[0], &header[..], &message[..]].concat();
    // The rest of it may not be wanted any more.
    let _ = request.send_data(Bytes::from(bytes), true);
    told(response).await
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_client_that_is_one_byte_too_long_is_answered_resource_exhausted() {
    let options = GrpcServerOptions::new().max_decoding_message_size(20_000);
    assert_eq!(call_with(&options, 20_000).await.code, Code::Ok);
    let told = call_with(&options, 20_001).await;
    assert_eq!((told.code, told.headers_only), (Code::ResourceExhausted, true));
    assert_eq!(told.message, "received message larger than max (20001 vs. 20000)");
}

#[tokio::test(start_paused = true)]
async fn a_message_of_more_than_four_mebibytes_is_refused_by_its_length_alone() {
    let probed = Probed::new();
    let mut peer = Peer::connect(&GrpcServerOptions::new(), &probed.probe).await;
    let (response, mut request) = peer.open("Big", &[]).await;
    request.send_data(Bytes::from_static(&[0, 0, 0x40, 0, 1]), false).unwrap();
    assert_eq!(told(response).await.code, Code::ResourceExhausted);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_the_server_that_is_one_byte_too_long_is_not_sent() {
    let length = vec![7_u8; BIG].encoded_len() as u32;
    for (limit, code, bytes) in
        [(length, Code::Ok, length as usize + 5), (length - 1, Code::ResourceExhausted, 0)]
    {
        let probed = Probed::new();
        let options = GrpcServerOptions::new().max_encoding_message_size(limit);
        let mut peer = Peer::connect(&options, &probed.probe).await;
        let told = told(peer.call("Big", &[]).await).await;
        assert_eq!((told.code, told.bytes), (code, bytes), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_are_too_long_are_refused() {
    let mut probed = Probed::new();
    let options = GrpcServerOptions::new().max_header_list_size(512);
    let mut peer = Peer::connect(&options, &probed.probe).await;
    assert_eq!(told(peer.call("Big", &[]).await).await.code, Code::Ok);
    probed.entered.recv().await.unwrap();
    let (response, _request) = peer.open("Big", &[("x-long", &"x".repeat(600))]).await;
    assert_eq!(response.await.unwrap().status(), http::StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert!(probed.entered.try_recv().is_err());
}

/// The settings by their number, and by how much the connection's window is larger than 65,535.
async fn announced(options: &GrpcServerOptions) -> (BTreeMap<u16, u32>, u32) {
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let connection = Connection::new(Arc::default());
    let serving = serve(far, addresses(None, None), alone(&options.engine), nothing_served(), connection);
    let served = tokio::spawn(serving);
    near.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let (mut settings, mut window) = (BTreeMap::new(), 0);
    let mut head = [0; 9];
    // Nothing more comes by itself.
    while let Ok(read) =
        tokio::time::timeout(std::time::Duration::from_secs(1), near.read_exact(&mut head)).await
    {
        read.unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        near.read_exact(&mut payload).await.unwrap();
        let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        match head[3] {
            4 => settings.extend(payload.chunks(6).map(|one| (number(&one[..2]) as u16, number(&one[2..])))),
            8 => window += number(&payload),
            _ => {}
        }
    }
    served.abort();
    (settings, window)
}

#[tokio::test(start_paused = true)]
async fn limits_of_http2_are_announced_to_the_client() {
    let (streams, window, frame, headers) = (3, 4, 5, 6);
    let (settings, more) = announced(&GrpcServerOptions::new()).await;
    assert_eq!((settings[&streams], settings[&headers]), (1000, 16 * 1024), "{settings:?}");
    assert_eq!((settings[&window], more), (1 << 20, (1 << 20) - 65_535));

    let options = GrpcServerOptions::new().max_concurrent_streams(7).initial_stream_window_size(70_000);
    let options = options.initial_connection_window_size(800_000).max_frame_size(20_000);
    let (settings, more) = announced(&options.max_header_list_size(9_000)).await;
    let expected = BTreeMap::from([(streams, 7), (window, 70_000), (frame, 20_000), (headers, 9_000)]);
    for (number, value) in expected {
        assert_eq!(settings[&number], value, "{settings:?}");
    }
    assert_eq!(more, 800_000 - 65_535);

    let (settings, more) = announced(&GrpcServerOptions::new().adaptive_window(true)).await;
    assert_eq!((settings.get(&window).copied().unwrap_or(65_535), more), (65_535, 0));
}

#[actix::test]
async fn a_connection_beyond_the_limit_is_closed_at_once_and_others_go_on() {
    let probed = Probed::new();
    let options = GrpcServerOptions::new().workers(2).max_connections(1);
    let rig = Rig::serve_with(&probed.probe, options).await;
    let channel = rig.channel().await;
    PingClient::new(channel.clone()).ping(()).await.unwrap();
    let mut refused = tokio::net::TcpStream::connect(rig.address).await.unwrap();
    let mut rest = Vec::new();
    assert!(!matches!(soon(refused.read_to_end(&mut rest)).await, Ok(1..)));
    PingClient::new(channel.clone()).ping(()).await.unwrap();

    // Its place is free again once it has gone.
    drop(channel);
    let next = endpoint(rig.address).connect_lazy();
    let answered = async { while PingClient::new(next.clone()).ping(()).await.is_err() {} };
    soon(answered).await;
}
