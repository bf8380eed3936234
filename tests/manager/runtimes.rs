//! A manager brings its own system: it starts under any runtime, and without one.

use majordomo::{
    Exit, Manager, ManagerError, ManagerOptions, StartShutdown, WaitForShutdown, WaitUntilRunning, service_fn,
};
use support::options;

fn manager() -> Manager {
    let until_asked = service_fn("loop", |run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    Manager::new(options().without_grpc()).service(until_asked)
}

async fn a_life() -> Result<(), ManagerError> {
    let manager = manager().start();
    manager.send(WaitUntilRunning).await??;
    manager.do_send(StartShutdown);
    manager.send(WaitForShutdown).await?
}

fn ends_by_itself() -> Manager {
    Manager::new(options()).service(service_fn("once", |_| async { Ok(()) }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g13_it_answers_under_tokio_with_many_threads() {
    tokio::spawn(a_life()).await.unwrap().unwrap();
    tokio::spawn(ends_by_itself().run()).await.unwrap().unwrap();
}

#[tokio::test]
async fn g13_it_answers_under_tokio_with_one_thread() {
    a_life().await.unwrap();
    ends_by_itself().run().await.unwrap();
}

#[actix::test]
async fn g13_it_answers_under_actix() {
    a_life().await.unwrap();
}

#[test]
fn g13_it_runs_to_its_end_from_a_plain_main() {
    ends_by_itself().run_blocking().unwrap();
    let fails = service_fn("fails", |_| async { Err("no".into()) });
    let error = Manager::new(options()).service(fails).run_blocking().unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let _: Exit = Err(error).into();
}

#[tokio::test]
#[should_panic(expected = "await run() there")]
async fn run_blocking_within_a_runtime_says_what_to_do() {
    let _ = ends_by_itself().run_blocking();
}

#[test]
fn g01_without_grpc_no_service_may_answer_calls() {
    let api = majordomo::grpc_service_fn("api", |_| async { Ok(majordomo::ping::PingServer::new(Never)) });
    let error = Manager::new(ManagerOptions::new().without_grpc()).grpc_service(api).plan().unwrap_err();
    assert!(error.to_string().contains("\"api\""), "{error}");
}

#[derive(Clone)]
struct Never;

#[tonic::async_trait]
impl majordomo::ping::Ping for Never {
    async fn ping(&self, _: tonic::Request<()>) -> Result<tonic::Response<()>, tonic::Status> {
        Err(tonic::Status::unimplemented("never"))
    }
}
