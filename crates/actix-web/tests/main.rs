//! Services of actix-web, by real connections.

mod blocked;
mod drain;
mod processes;
mod refused;
mod serving;

use std::net::SocketAddr;

use actix_web::App;
use actix_web::web::{self, ServiceConfig};
use majordomo::ManagerOptions;
use majordomo_actix_web::{ActixWebDrainError, ActixWebOptions, actix_web_service_with};
use support::{Ended, Gate, Observed, address, error_of, observe};

/// How these servers serve: by two workers, whatever the machine has.
fn two() -> ActixWebOptions {
    ActixWebOptions::new().workers(2)
}

/// A manager of one service, `web`, that runs, and where it listens.
async fn serve(
    manager: ManagerOptions,
    server: ActixWebOptions,
    routes: impl FnOnce(&mut ServiceConfig) + Clone + Send + 'static,
) -> (Observed, SocketAddr) {
    let web =
        actix_web_service_with("web", "127.0.0.1:0", server, move || App::new().configure(routes.clone()));
    let observed = observe(manager, |manager| manager.service(web));
    observed.running().await;
    let at = address(&observed, "web").await;
    (observed, at)
}

/// Answers `/`, and `/slow` when the gate opens.
fn gated(gate: &Gate) -> impl FnOnce(&mut ServiceConfig) + Clone + Send + 'static {
    let gate = gate.clone();
    move |routes: &mut ServiceConfig| {
        let slow = move || {
            let gate = gate.clone();
            async move {
                gate.passed().await;
                "late"
            }
        };
        routes.route("/", web::get().to(async || "hello")).route("/slow", web::get().to(slow));
    }
}

/// What `web` did not drain.
#[track_caller]
fn drain_error(ended: &Ended) -> &ActixWebDrainError {
    let error = error_of(ended.shutdown_errors(), "web (shutdown)");
    error.source.downcast_ref().unwrap_or_else(|| panic!("expected an error of the drain, got: {error}"))
}
