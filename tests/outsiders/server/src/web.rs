//! The HTTP service: what browsers, proxies and attackers meet.
//!
//! | | |
//! |---|---|
//! | `/` | `ok` |
//! | `/counted` | the same, and its account is kept |
//! | `/health` | 200 until the shutdown is requested, then 503 |
//! | `/pid` | which process answers |
//! | `/seen` | the request's head, as its handler sees it |
//! | `/echo` | the body, whole |
//! | `/upload` | how long the body is, read as it comes |
//! | `/slow/MS` | `late`, after so long |
//! | `/linger/MS` | the same, where the time begins when the shutdown is requested |
//! | `/bytes/COUNT` | so many bytes |
//! | `/flood` | bytes without end |
//! | `/sse` | events without end |
//! | `/ws` | a WebSocket's messages come back; it is told nothing of the end |
//! | `/ws/polite` | the same; closed with 1001 when the shutdown is requested |
//! | `/panic` | panics |

use std::convert::Infallible;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use futures_util::StreamExt;
use http::{StatusCode, header};
use majordomo::http::HttpServer;
use majordomo::{ServiceSpec, ShutdownSignal, http_service};
use tokio::time::sleep;

use crate::calls::{Accounts, OpenCall};
use crate::options::Http;

/// How often endless answers say something.
const TICK: Duration = Duration::from_millis(20);

pub(crate) fn service(
    options: &Http,
    accounts: &Arc<Accounts>,
    leaving: &Arc<AtomicBool>,
) -> ServiceSpec<HttpServer> {
    let leaving = Arc::clone(leaving);
    let health = move || async move {
        match leaving.load(Ordering::Relaxed) {
            true => (StatusCode::SERVICE_UNAVAILABLE, "leaving"),
            false => (StatusCode::OK, "ok"),
        }
    };
    let router = Router::new()
        .route("/", get(|| async { "ok" }))
        .route("/counted", get(counted))
        .route("/health", get(health))
        .route("/pid", any(|| async { process::id().to_string() }))
        .route("/seen", any(seen))
        .route("/echo", post(|body: Bytes| async { body }))
        .route("/upload", post(upload))
        .route("/slow/{ms}", any(slow))
        .route("/linger/{ms}", any(linger))
        .route("/bytes/{count}", get(|Path(count): Path<usize>| async move { vec![b'x'; count] }))
        .route("/flood", get(flood))
        .route("/sse", get(sse))
        .route("/ws", any(|State(accounts), upgrade| async { upgraded(accounts, upgrade, None) }))
        .route("/ws/polite", any(polite))
        .route("/panic", get(panicking))
        .with_state(Arc::clone(accounts));
    http_service("web", options.address(), router).options(options.options())
}

async fn seen(request: Request) -> Response {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let head = serde_json::json!({
        "method": request.method().as_str(),
        "target": request.uri().to_string(),
        "version": format!("{:?}", request.version()),
        "headers": request.headers().iter().map(header).collect::<Vec<_>>(),
    });
    ([(header::CONTENT_TYPE, "application/json")], head.to_string()).into_response()
}

async fn counted(State(accounts): State<Arc<Accounts>>) -> &'static str {
    accounts.open("counted").complete();
    "ok"
}

async fn upload(State(accounts): State<Arc<Accounts>>, body: Body) -> Response {
    let open = accounts.open("upload");
    let (mut pieces, mut length) = (body.into_data_stream(), 0);
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => length += piece.len(),
            Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        }
    }
    open.complete();
    length.to_string().into_response()
}

async fn slow(State(accounts): State<Arc<Accounts>>, Path(ms): Path<u64>) -> &'static str {
    let open = accounts.open("slow");
    sleep(Duration::from_millis(ms)).await;
    open.complete();
    "late"
}

async fn linger(
    State(accounts): State<Arc<Accounts>>,
    Extension(shutdown): Extension<ShutdownSignal>,
    Path(ms): Path<u64>,
) -> &'static str {
    let open = accounts.open("linger");
    shutdown.requested().await;
    sleep(Duration::from_millis(ms)).await;
    open.complete();
    "late"
}

async fn flood(State(accounts): State<Arc<Accounts>>) -> Body {
    endless(accounts.open("flood"), Bytes::from_static(&[b'x'; 16 * 1024]), None)
}

async fn sse(State(accounts): State<Arc<Accounts>>) -> Response {
    let events = endless(accounts.open("sse"), Bytes::from_static(b"data: tick\n\n"), Some(TICK));
    ([(header::CONTENT_TYPE, "text/event-stream")], events).into_response()
}

fn endless(open: OpenCall, piece: Bytes, pause: Option<Duration>) -> Body {
    Body::from_stream(async_stream::stream! {
        let _open = open;
        loop {
            yield Ok::<_, Infallible>(piece.clone());
            if let Some(pause) = pause {
                sleep(pause).await;
            }
        }
    })
}

async fn polite(
    State(accounts): State<Arc<Accounts>>,
    Extension(shutdown): Extension<ShutdownSignal>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgraded(accounts, upgrade, Some(shutdown))
}

fn upgraded(
    accounts: Arc<Accounts>,
    upgrade: WebSocketUpgrade,
    shutdown: Option<ShutdownSignal>,
) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        let open = accounts.open("ws");
        if echo(socket, shutdown).await.is_ok() {
            open.complete();
        }
    })
}

/// `Err`: it did not end by a close of either side.
async fn echo(mut socket: WebSocket, shutdown: Option<ShutdownSignal>) -> Result<(), axum::Error> {
    let leaving = async {
        match shutdown {
            Some(shutdown) => shutdown.requested().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(leaving);
    let mut told = false;
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => socket.send(message).await?,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            () = &mut leaving, if !told => {
                told = true;
                let frame = CloseFrame { code: close_code::AWAY, reason: "leaving".into() };
                socket.send(Message::Close(Some(frame))).await?;
            }
        }
    }
}

async fn panicking() {
    panic!("asked to panic");
}
