//! axum: its routes, which others serve, too, and its own server.

use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use super::{ANY_PORT, Served, WORKERS, announce};
use crate::http::{Route, hello, json, large};

/// The routes.
pub(super) fn router() -> Router {
    Router::new()
        .route(Route::Hello.path(), get(|| async { hello() }))
        .route(Route::Json.path(), get(|| async { Json(json()) }))
        .route(Route::Large.path(), get(|| async { large() }))
}

/// As `#[tokio::main(worker_threads = 2)]`.
pub(super) fn serve() -> Served {
    Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(ANY_PORT).await?;
        announce(listener.local_addr()?)?;
        let listener = listener.tap_io(|stream| {
            // One that is gone already ends by itself.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router()).await?;
        Err("axum's server ended".into())
    })
}
