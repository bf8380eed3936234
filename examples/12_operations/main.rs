//! Everything on, in 60 lines: HTTP by axum, gRPC with health, a worker, a database that comes late, restarts, a drain, an
//! endpoint for operators with metrics, and systemd's signs of life, where it starts the program. It misbehaves when it is told to, so that each page of `docs/` for operators can be tried out with it.
//!
//! ```text
//! cargo run -p with-operations                          # then: majordomo --at :9000 status
//! DATABASE_LATE=20 cargo run -p with-operations         # its set-up is tried again until then
//! MAILER_TAKES=3600 cargo run -p with-operations        # Ctrl-C: the mailer is forced, exit code 3
//! curl localhost:8080/slow/5                            # an answer after 5 s
//! curl localhost:8080/block/5                           # the same, by a handler that blocks its thread
//! ```
//!
//! | environment | | without it |
//! |---|---|---|
//! | `HTTP_ADDRESS`, `GRPC_ADDRESS`, `OPERATIONS_ADDRESS` | where it listens | ports 8080, 50051, 9000 of this machine |
//! | `OPERATIONS_TOKEN_FILE` | what orders over TCP need | there are none |
//! | `MAX_SHUTDOWN`, `DRAIN_DELAY` | seconds: all of the shutdown, and what balancers get of it | 30, 0 |
//! | `DATABASE_LATE`, `MAILER_TAKES` | seconds: until the database is up; for the mailer to stop | 0 |
//!
//! `docs/deploy` has it in Kubernetes and in Compose.

#[path = "../printer/mod.rs"]
mod printer;
mod scripted;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use axum::extract::MatchedPath;
use axum::{Router, routing::get};
use majordomo::http::name_routes;
use majordomo::{Exit, Manager, ManagerOptions, Operations, RestartPolicy, Run, Setup};
use majordomo::{http_service_fn, provider_fn, service_with_setup};
use scripted::{Pool, block, connect, slow};

/// The manager, not yet started, by settings that are text.
fn manager(setting: impl Fn(&str) -> Option<String>) -> Manager {
    let address = |name, default: &str| setting(name).unwrap_or_else(|| default.to_owned());
    let seconds = |name, default| match setting(name).map(|text| text.parse()) {
        None => Duration::from_secs(default),
        Some(Ok(seconds)) => Duration::from_secs(seconds),
        Some(Err(error)) => panic!("{name}: {error}; give it a number of seconds"),
    };
    let (up_at, takes) = (Instant::now() + seconds("DATABASE_LATE", 0), seconds("MAILER_TAKES", 0));
    let again = RestartPolicy::on_failure().max_restarts(5).within(Duration::from_secs(60));
    let patient = again.clone().max_restarts(60).backoff(Duration::from_millis(500), Duration::from_secs(5));
    let names = name_routes(|request| request.get::<MatchedPath>().map(MatchedPath::as_str));

    let database = provider_fn("database", move |setup| connect(setup, up_at));
    let web = http_service_fn("web", address("HTTP_ADDRESS", "127.0.0.1:8080"), move |setup: Setup| {
        let routes = Router::new().route("/slow/{seconds}", get(slow)).route("/block/{seconds}", get(block));
        let routes = routes.route_layer(names.clone());
        async move { setup.require::<Pool>().map(|_| routes).map_err(Into::into) }
    });
    let get_pool = |setup: Setup| async move { Ok(setup.require::<Pool>()?) };
    let mailer = service_with_setup("mailer", get_pool, move |run: Run, _pool| async move {
        run.shutdown.requested().await;
        tokio::time::sleep(takes).await;
        Ok(())
    });

    let operations = Operations::new(address("OPERATIONS_ADDRESS", "127.0.0.1:9000"));
    let options = ManagerOptions::new()
        .grpc_server_address(address("GRPC_ADDRESS", "127.0.0.1:50051"))
        .operations(setting("OPERATIONS_TOKEN_FILE").into_iter().fold(operations, Operations::token_file))
        .max_shutdown_duration(seconds("MAX_SHUTDOWN", 30))
        .drain_delay(seconds("DRAIN_DELAY", 0));
    Manager::new(options)
        .service(database.retry_setup(patient).restart(again.clone()))
        .service(web.depends_on("database").restart(again.clone()).critical())
        .service(mailer.depends_on("database").restart(again))
}

#[actix::main]
async fn main() -> Exit {
    tracing_subscriber::fmt().with_writer(printer::stderr).with_ansi(false).init();
    let result = manager(|name| std::env::var(name).ok()).run().await;
    printer::finish();
    result.into()
}
