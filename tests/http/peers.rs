//! Managers with one HTTP service.

use std::net::SocketAddr;

use axum::Router;
use majordomo::http::HttpServerOptions;
use majordomo::{ManagerOptions, http_service};
pub use support::{Client, address};
use support::{Observed, observe, options};

/// A manager of one HTTP service, `web`, that runs, and where it listens.
pub async fn serve(router: Router) -> (Observed, SocketAddr) {
    serve_with(options(), HttpServerOptions::new(), router).await
}

pub async fn serve_with(
    manager: ManagerOptions,
    server: HttpServerOptions,
    router: Router,
) -> (Observed, SocketAddr) {
    let web = http_service("web", "127.0.0.1:0", router).options(server);
    let observed = observe(manager, |manager| manager.service(web));
    observed.running().await;
    let at = address(&observed, "web").await;
    (observed, at)
}
