//! One connection: HTTP/1.1, by hyper.
//!
//! ```text
//!   accepted --> a head, within its time --> answered --> the next head, within its time ...
//!                      |                        |
//!   the end, or room is needed:    the end: closed when the answer is written;
//!   closed at once                 room is needed: it stays
//! ```

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Request;
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::bounds::{DROP_TIME, DROPPED, FIELDS, HEAD, HEAD_TIME};
use super::credentials::Peer;
use super::io_limit::LimitedIo;
use super::places::Place;
use super::responder::Responder;

/// What a connection has come to.
#[derive(Default)]
struct Progress {
    has_asked: AtomicBool,
    /// A body was refused that its sender may still be at.
    leaves_body: AtomicBool,
}

/// Serves a connection until its peer has gone, has been too slow, or all is over.
pub(super) async fn serve<S>(
    stream: S,
    peer: Peer,
    responder: Arc<Responder>,
    place: Arc<Place>,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let progress = Arc::<Progress>::default();
    let (of_service, served_at) = (Arc::clone(&progress), Arc::clone(&place));
    let service = service_fn(move |request: Request<Incoming>| {
        let (responder, progress) = (Arc::clone(&responder), Arc::clone(&of_service));
        progress.has_asked.store(true, Ordering::Relaxed);
        let busy = served_at.busy();
        Box::pin(async move {
            let has_body = !request.body().is_end_stream();
            let response = responder.respond(peer, request).await;
            if has_body && response.status().is_client_error() {
                progress.leaves_body.store(true, Ordering::Relaxed);
            }
            // Until its body is dropped, all of which was written by then.
            Ok::<_, Infallible>(response.map(|body| {
                body.map_frame(move |frame| {
                    let _ = &busy;
                    frame
                })
            }))
        })
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD)
        .max_headers(FIELDS)
        .half_close(false);
    let mut connection = http.serve_connection(TokioIo::new(LimitedIo::new(stream)), service);
    let mut stopping = false;
    loop {
        tokio::select! {
            served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => match served {
                Ok(()) => break,
                Err(_) => return,
            },
            () = place.left() => return,
            () = stop.cancelled(), if !stopping => {
                if !progress.has_asked.load(Ordering::Relaxed) {
                    return;
                }
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    let mut stream = connection.into_parts().io.into_inner().into_inner();
    if stream.shutdown().await.is_ok() && progress.leaves_body.load(Ordering::Relaxed) {
        let _ = timeout(DROP_TIME, discard(&mut stream)).await;
    }
}

/// Closed with bytes unread, a socket is reset, and the answer may be lost on its way.
async fn discard(stream: &mut (impl AsyncRead + Unpin)) {
    let (mut buffer, mut left) = ([0; 4096], DROPPED);
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        left = left.saturating_sub(count);
        if left == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::bounds::BODY_TIME;
    use crate::operations::fake::{Fake, TOKEN};
    use crate::operations::places::Places;
    use std::time::Duration;
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::Instant;

    const PEER: Peer = Peer::Tcp(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    /// A connection, in paused time.
    fn connect() -> (DuplexStream, CancellationToken) {
        let (ours, theirs) = duplex(1 << 20);
        let stop = CancellationToken::new();
        let place = Places::new(1).take().unwrap();
        tokio::spawn(serve(ours, PEER, Fake::responder(true), place, stop.clone()));
        (theirs, stop)
    }

    /// All that comes until the connection is closed, and when.
    async fn rest(stream: &mut DuplexStream) -> (String, Duration) {
        let (began, mut text) = (Instant::now(), String::new());
        let _ = stream.read_to_string(&mut text).await;
        (text, began.elapsed())
    }

    /// Time goes on by itself only when nobody has anything to do.
    fn is_about(took: Duration, limit: Duration) -> bool {
        (limit..limit + Duration::from_millis(10)).contains(&took)
    }

    #[tokio::test(start_paused = true)]
    async fn g17_a_peer_that_says_nothing_or_half_a_head_is_closed_in_time() {
        for begun in ["", "GET /livez HTTP/1.1\r\nHost: loc"] {
            let (mut stream, _stop) = connect();
            stream.write_all(begun.as_bytes()).await.unwrap();
            let (text, took) = rest(&mut stream).await;
            assert!(is_about(took, HEAD_TIME), "{begun:?}: {took:?} {text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn g17_a_head_that_comes_byte_by_byte_has_no_more_time() {
        let (mut stream, _stop) = connect();
        let began = Instant::now();
        for byte in b"GET /livez HTTP/1.1\r\nHost: localhost\r\nA: ".iter().chain([b'x'; 100].iter()) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        assert!(began.elapsed() <= HEAD_TIME + Duration::from_secs(2), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn g17_an_idle_connection_is_closed_in_time() {
        let (mut stream, _stop) = connect();
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let (text, took) = rest(&mut stream).await;
        assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with("ok\n"), "{text}");
        assert!(is_about(took, HEAD_TIME), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn g17_a_body_that_does_not_come_is_answered_408() {
        let (mut stream, _stop) = connect();
        let order = format!(
            "POST /orders/force HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {TOKEN}\r\nContent-Length: 2\r\n\r\n{{"
        );
        stream.write_all(order.as_bytes()).await.unwrap();
        let (text, took) = rest(&mut stream).await;
        assert!(text.starts_with("HTTP/1.1 408"), "{text}");
        assert!(took <= BODY_TIME + DROP_TIME + Duration::from_millis(10), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn g17_a_head_that_is_too_long_is_refused() {
        for head in [format!("A: {}\r\n", "x".repeat(HEAD)), "A: x\r\n".repeat(FIELDS)] {
            let (mut stream, _stop) = connect();
            let request = format!("GET /livez HTTP/1.1\r\nHost: localhost\r\n{head}\r\n");
            let _ = stream.write_all(request.as_bytes()).await;
            let (text, _) = rest(&mut stream).await;
            assert!(text.starts_with("HTTP/1.1 431"), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_neither_for_who_is_silent_nor_for_who_is_idle() {
        for begun in ["", "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
            let (mut stream, stop) = connect();
            stream.write_all(begun.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            stop.cancel();
            assert_eq!(rest(&mut stream).await.1, Duration::ZERO, "{begun:?}");
        }
    }
}
