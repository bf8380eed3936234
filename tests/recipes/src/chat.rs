//! WebSockets that say goodbye.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use majordomo::http::{HttpServer, HttpServerOptions};
use majordomo::{ServiceSpec, ShutdownSignal, http_service};

/// Sends back what comes, until either side closes.
async fn chat(mut socket: WebSocket, shutdown: ShutdownSignal) -> Result<(), axum::Error> {
    loop {
        tokio::select! {
            message = socket.recv() => match message.transpose()? {
                Some(message @ (Message::Text(_) | Message::Binary(_))) => socket.send(message).await?,
                Some(_) => {}
                None => return Ok(()),
            },
            () = shutdown.requested() => break,
        }
    }
    let away = CloseFrame { code: close_code::AWAY, reason: "the server is going away".into() };
    socket.send(Message::Close(Some(away))).await?;
    // Until the client has answered it, or `stream_grace` is over.
    while socket.recv().await.transpose()?.is_some() {}
    Ok(())
}

async fn upgrade(Extension(shutdown): Extension<ShutdownSignal>, socket: WebSocketUpgrade) -> Response {
    socket.on_upgrade(|socket| async move {
        if let Err(error) = chat(socket, shutdown).await {
            println!("a chat ended without a goodbye: {error}");
        }
    })
}

pub fn web(address: &str, options: HttpServerOptions) -> ServiceSpec<HttpServer> {
    let router = Router::new().route("/chat", any(upgrade));
    http_service("web", address, router).options(options.stream_grace(Duration::from_secs(2)))
}
