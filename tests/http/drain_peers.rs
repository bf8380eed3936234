//! G17, G19: clients that do not send what they said they would, in a drain.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::post;
use futures_util::StreamExt;
use majordomo::http::HttpServerOptions;
use support::{Gate, ms, options};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::peers::{Client, serve_with};

/// Reads bodies; tells at the gate that one has begun.
fn uploads(begun: &Gate) -> Router {
    let begun = begun.clone();
    let upload = move |body: Body| async move {
        let (mut pieces, mut length) = (body.into_data_stream(), 0);
        while let Some(piece) = pieces.next().await {
            length += piece.map_err(|error| error.to_string())?.len();
            begun.passed().await;
        }
        Ok::<_, String>(length.to_string())
    };
    Router::new().route("/", post(upload))
}

const HEAD: &str = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\na";

#[actix::test]
async fn g17_an_upload_that_stops_or_drips_does_not_hold_up_the_end_nor_fail_it() {
    for drips in [false, true] {
        let begun = Gate::new();
        let manager = options().max_shutdown_duration(Duration::from_secs(4));
        let (mut observed, at) = serve_with(manager, HttpServerOptions::new(), uploads(&begun)).await;
        let mut client = Client::connect(at).await;
        client.send(HEAD).await;
        begun.arrived().await;
        begun.open();
        let asked = Instant::now();
        observed.shut_down();
        let (mut reads, mut writes) = client.0.into_split();
        let dripping = actix::spawn(async move {
            while drips && writes.write_all(b"x").await.is_ok() {
                tokio::time::sleep(ms(50)).await;
            }
            // Kept open.
            writes
        });
        let mut came = String::new();
        // A client that goes on sending may be reset.
        let _ = tokio::io::AsyncReadExt::read_to_string(&mut reads, &mut came).await;
        assert!(came.is_empty() || came.contains("connection: close"), "{came}");
        observed.ended().await.assert_ok();
        assert!(asked.elapsed() < ms(3000), "{:?}", asked.elapsed());
        dripping.abort();
    }
}

#[actix::test]
async fn g19_an_upload_that_goes_on_finishes() {
    let begun = Gate::new();
    let manager = options().max_shutdown_duration(Duration::from_secs(2));
    let (mut observed, at) = serve_with(manager, HttpServerOptions::new(), uploads(&begun)).await;
    let mut client = Client::connect(at).await;
    client.send(HEAD).await;
    begun.arrived().await;
    begun.open();
    observed.shut_down();
    let piece = Bytes::from(vec![b'x'; 9_999]);
    for _ in 0..10 {
        // In all longer than a body may be silent then.
        tokio::time::sleep(ms(80)).await;
        client.0.write_all(&piece).await.unwrap();
    }
    client.0.write_all(b"123456789").await.unwrap();
    let came = client.answer().await;
    assert_eq!((came.status, &*came.body), (200, "100000"));
    observed.ended().await.assert_ok();
}
