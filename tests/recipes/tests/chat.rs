use axum::http::Uri;
use futures_util::{SinkExt, StreamExt};
use majordomo::clients::InMemory;
use majordomo::http::HttpServerOptions;
use majordomo::testing::paused;
use support::{Observed, observe_paused, options};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, client_async};
use tower::Service;

use crate::s;

type Socket<T> = WebSocketStream<T>;

/// The service, and a client of it that has been heard.
async fn connected() -> (Observed, Socket<impl AsyncRead + AsyncWrite + Unpin>) {
    let memory = InMemory::new();
    let web = recipes::chat::web("127.0.0.1:80", HttpServerOptions::new().in_memory(&memory));
    let observed = observe_paused(options(), |manager| manager.service(web));
    observed.running().await;
    let io = memory.clone().call(Uri::from_static("http://web")).await.unwrap().into_inner();
    let (mut socket, _) = client_async("ws://web/chat", io).await.unwrap();
    socket.send("hello".into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    (observed, socket)
}

#[test]
fn clients_are_told_that_the_server_goes_away() {
    paused(|| async {
        let (mut observed, mut socket) = connected().await;
        let asked = Instant::now();
        observed.shut_down();
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => assert_eq!(frame.code, CloseCode::Away),
            other => panic!("{other:?}"),
        }
        assert!(socket.next().await.is_none(), "both sides have closed");
        let ended = observed.ended().await;
        ended.assert_ok();
        assert!(asked.elapsed() < s(1), "{:?}", asked.elapsed());
        assert_eq!(ended.service("web").streams_ended, 0);
    });
}

#[test]
fn a_client_that_does_not_listen_is_counted_and_holds_nobody_up() {
    paused(|| async {
        let (mut observed, socket) = connected().await;
        let asked = Instant::now();
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_ok();
        assert_eq!(asked.elapsed().as_secs(), 2, "that is its stream_grace");
        assert_eq!(ended.service("web").streams_ended, 1);
        drop(socket);
    });
}
