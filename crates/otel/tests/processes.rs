//! Whole processes, told by their environment alone.

use axum::Router;
use axum::routing::get;
use majordomo::http::HttpServerOptions;
use majordomo::{
    GetStatus, Manager, ManagerOptions, ServiceSpec, WaitForShutdown, WaitUntilRunning, http_service,
    service_fn,
};
use majordomo_otel::Otel;
use rustix::process::Signal;
use support::{Client, child, ms};
use tracing_subscriber::layer::SubscriberExt;

use crate::collector::{Collector, SERVER};
use crate::until_asked;

/// What the processes of these tests do.
#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    assert_eq!(program, "one thread");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    let result = local.block_on(&runtime, serve());
    println!("\nchild: end {:?}", result.as_ref().err().map(ToString::to_string));
    majordomo::exit(result)
}

async fn serve() -> Result<(), majordomo::ManagerError> {
    let otel = Otel::from_env("shop").unwrap();
    let subscriber = tracing_subscriber::registry().with(otel.layer());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let router = Router::new().route("/", get(|| async { "hello" }));
    let web = http_service("web", "127.0.0.1:0", router).options(otel.http(HttpServerOptions::new()));
    let options = otel.grpc(ManagerOptions::new().grpc_ping_service(false).max_shutdown_duration(ms(3000)));
    let manager = Manager::new(options)
        .service(otel.service())
        .service(ServiceSpec::new(service_fn("other", until_asked)).depends_on("telemetry"))
        .service(web.depends_on("telemetry"))
        .start();
    manager.send(WaitUntilRunning).await??;
    let status = manager.send(GetStatus).await?;
    let web = status.services.iter().find(|service| &*service.id == "web").unwrap();
    println!("\nchild: at {}", web.addresses[0]);
    manager.send(WaitForShutdown).await?
}

#[test]
fn g12_a_process_of_one_thread_that_is_told_by_its_environment_sends_all_before_it_ends() {
    for protocol in ["grpc", "http/protobuf"] {
        let collector = Collector::start();
        let endpoint = if protocol == "grpc" { &collector.grpc } else { &collector.http };
        let mut command = child::this();
        command
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .env("OTEL_SERVICE_NAME", "renamed")
            .env("OTEL_RESOURCE_ATTRIBUTES", "team=tea");
        let mut process = child::start_by(command, module_path!(), "one thread");
        let line = process.wait_for("child: at ");
        let at = line.rsplit(' ').next().unwrap().parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { assert_eq!(Client::connect(at).await.get("/").await.body, "hello") });
        process.signal(Signal::TERM);
        process.wait_for("child: end None");
        assert_eq!(process.end().code(), Some(0));
        let received = collector.received();
        let span = received.span("renamed", SERVER);
        assert_eq!((&span["span"], &span["resource"]["team"]), (&"GET".into(), &"tea".into()));
        assert_eq!(received.points("renamed", "http.server.request.duration")[0]["count"], 1);
    }
}
