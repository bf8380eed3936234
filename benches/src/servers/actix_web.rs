//! actix-web, with the same routes in its own types.

use actix_web::web::{Bytes, Json, get};
use actix_web::{App, HttpServer};

use super::{ANY_PORT, Served, WORKERS, announce};
use crate::http::{Route, hello, json, large};

pub(super) fn serve() -> Served {
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(|| {
            App::new()
                .route(Route::Hello.path(), get().to(async || hello()))
                .route(Route::Json.path(), get().to(async || Json(json())))
                .route(Route::Large.path(), get().to(async || Bytes::from_static(large())))
        });
        let server = server.workers(WORKERS).tcp_nodelay(true).disable_signals().bind_auto_h2c(ANY_PORT)?;
        let address = server.addrs().first().copied().ok_or("actix-web listens nowhere")?;
        let running = server.run();
        announce(address)?;
        running.await?;
        Err("actix-web's server ended".into())
    })
}
