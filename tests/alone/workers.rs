//! G14, G19: the servers of a manager have one set of workers. Alone in its program, since it counts the threads of all.

#![cfg(target_os = "linux")]

use axum::Router;
use axum::routing::get;
use majordomo::http::HttpServerOptions;
use majordomo::testing::Leaks;
use majordomo::{GrpcServerOptions, Manager, RestartPolicy, RestartService, http_service, nested};
use support::{observe, options, within};

/// The names of all threads that begin so, in order.
fn threads(prefix: &str) -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let mut names: Vec<_> =
        names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names
}

/// Waits until there are just these: a server has its workers from its `Run` on, which a nested one gets after the outer manager is told to
/// run; and a thread takes a moment to end.
async fn there_are<const N: usize>(prefix: &str, names: [&str; N]) {
    let come = async {
        while threads(prefix) != names {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("that the threads {prefix}* are {names:?}"), come).await;
}

fn web(id: &str, workers: usize) -> majordomo::ServiceSpec<majordomo::http::HttpServer> {
    let router = Router::new().route("/", get(|| async { "hello" }));
    http_service(id, "127.0.0.1:0", router).options(HttpServerOptions::new().workers(workers))
}

#[actix::test]
async fn g19_all_servers_of_a_manager_share_as_many_workers_as_the_largest_asks_for() {
    let _alone = crate::alone().await;
    let leaks = Leaks::snapshot();
    let grpc = GrpcServerOptions::new().workers(3).addresses(["127.0.0.1:0"]);
    let one = web("one", 3).restart(RestartPolicy::on_failure());
    let mut observed = observe(options().grpc_ping_service(true).grpc_server(grpc), |manager| {
        manager.service(one).service(web("two", 1))
    });
    observed.running().await;
    let three = ["server-worker-0", "server-worker-1", "server-worker-2"];
    there_are("server-worker", three).await;
    assert_eq!(threads("server-accept").len(), 1);
    for _ in 0..3 {
        within("the restart", observed.manager.send(RestartService("one".into()))).await.unwrap().unwrap();
    }
    assert_eq!(threads("server-worker"), three, "a restart makes and ends none");
    observed.shut_down();
    observed.ended().await.assert_ok();
    leaks.assert_none().await;
    there_are("server-", []).await;
}

#[actix::test]
async fn g19_a_nested_manager_has_workers_of_its_own() {
    let _alone = crate::alone().await;
    let inner = nested("inner", || Manager::new(options()).service(web("within", 1)));
    let mut observed = observe(options(), |manager| manager.service(web("web", 2)).service(inner));
    observed.running().await;
    there_are("server-worker", ["server-worker-0", "server-worker-0", "server-worker-1"]).await;
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g14_a_manager_without_a_server_has_no_workers() {
    let _alone = crate::alone().await;
    let waits = majordomo::service_fn("waits", |run: majordomo::Run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(waits));
    observed.running().await;
    there_are("server-", []).await;
    observed.shut_down();
    observed.ended().await.assert_ok();
}
