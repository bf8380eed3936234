//! The managed server, whole.

use std::net::SocketAddr;

use actix::prelude::*;
use majordomo::api_errors::ErrorGenerator;
use majordomo::http::HttpServerOptions;
use majordomo::metrics::Metrics;
use majordomo::{
    GetStatus, GrpcAddress, GrpcServerOptions, Manager, ManagerOptions, ManagerStatus, WaitForShutdown,
    WaitUntilRunning, http_service,
};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use super::axum::router;
use super::{ANY_PORT, Served, WORKERS, announce};
use crate::grpc::Registers;

/// Which of a server's own layers are on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layers {
    /// 0: no calls are logged; 1: they are, at debug, to a subscriber at info; 2: and written, into a sink.
    pub(crate) log: u64,
    pub(crate) errors: bool,
    pub(crate) not_found: bool,
    /// Whether calls are counted for Prometheus.
    pub(crate) metrics: bool,
}

impl Layers {
    const DEFAULT: Self = Self { log: 1, errors: false, not_found: false, metrics: false };

    /// What the server with these is called.
    pub(crate) fn name(self) -> String {
        let [errors, not_found, metrics] = [self.errors, self.not_found, self.metrics].map(u8::from);
        format!("majordomo/{}/{errors}/{not_found}/{metrics}", self.log)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix("majordomo/")?.split('/').map(|part| part.parse::<u64>().ok());
        let (log, errors) = (parts.next()??, parts.next()??);
        let (not_found, metrics) = (parts.next()??, parts.next()??);
        Some(Self { log, errors: errors == 1, not_found: not_found == 1, metrics: metrics == 1 })
    }
}

pub(super) fn serve() -> Served {
    serve_with(Layers::DEFAULT, WORKERS)
}

/// By one thread, so that none hands calls over to another: how often that happens, and so the count of instructions, is a matter of time.
pub(super) fn serve_counted(layers: Layers) -> Served {
    serve_with(layers, 1)
}

/// Serves HTTP.
pub(super) fn serve_http() -> Served {
    serve_http_with(WORKERS, false)
}

/// By one thread; whether requests are counted for Prometheus.
pub(super) fn serve_http_counted(metrics: bool) -> Served {
    serve_http_with(1, metrics)
}

fn serve_with(layers: Layers, workers: usize) -> Served {
    let mut options = ManagerOptions::new()
        .grpc_server_address(ANY_PORT.to_string())
        .grpc_server(GrpcServerOptions::new().workers(workers));
    if layers.metrics {
        options = options.metrics(&Metrics::new());
    }
    if layers.log == 0 {
        options = options.without_grpc_logging();
    }
    if layers.errors {
        options = options.error_generator(ErrorGenerator::new("bench"));
    }
    if layers.not_found {
        options = options.err_not_found_middleware();
    }
    let level = if layers.log == 2 { LevelFilter::DEBUG } else { LevelFilter::INFO };
    run(level, || Manager::new(options).grpc_service(Registers), |status| status.grpc_address)
}

fn serve_http_with(workers: usize, metrics: bool) -> Served {
    let options = HttpServerOptions::new().workers(workers);
    let web = http_service("web", ANY_PORT.to_string(), router()).options(options);
    let options = ManagerOptions::new().grpc_ping_service(false);
    let options = if metrics { options.metrics(&Metrics::new()) } else { options };
    let manager = || Manager::new(options).service(web);
    run(LevelFilter::INFO, manager, |status| {
        status.services.iter().flat_map(|service| &service.addresses).find_map(GrpcAddress::as_tcp)
    })
}

/// Runs a manager, and tells where it serves.
fn run(
    level: LevelFilter,
    manager: impl FnOnce() -> Manager,
    address: impl FnOnce(ManagerStatus) -> Option<SocketAddr>,
) -> Served {
    // Its writer is a sink: what is written is paid for, not where it goes.
    let written = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    tracing_subscriber::registry()
        .with(written.with_filter(Targets::new().with_target("majordomo", level)))
        .init();
    System::new().block_on(async {
        let manager = manager().start();
        manager.send(WaitUntilRunning).await??;
        announce(address(manager.send(GetStatus).await?).ok_or("the manager serves nothing")?)?;
        manager.send(WaitForShutdown).await??;
        Err("the manager was shut down".into())
    })
}
