//! G15: exit codes tell what failed.

use std::process::Termination;
use std::time::Duration;
use support::child;

use majordomo::testing::{Behaviour, ResourceScript, RunBehaviour, ScriptedService, ServiceScript};
use majordomo::{BoxError, Exit, Manager, ManagerError, StartShutdown, WaitForShutdown, WaitUntilRunning};
use support::visible::options;

fn script(id: &str) -> ServiceScript {
    ServiceScript { id: id.into(), ..ServiceScript::default() }
}

/// Runs services until all run, or one failed; then shuts down.
async fn code_of(scripts: impl IntoIterator<Item = ServiceScript>) -> i32 {
    // Time enough for a panic hook that prints a backtrace on a slow machine.
    code_within(30, scripts).await
}

async fn code_within(seconds: u64, scripts: impl IntoIterator<Item = ServiceScript>) -> i32 {
    let options = options().max_shutdown_duration(Duration::from_secs(seconds));
    let services = scripts.into_iter().map(ScriptedService::new);
    let manager = services.fold(Manager::new(options), Manager::service).start();
    if manager.send(WaitUntilRunning).await.unwrap().is_ok() {
        manager.do_send(StartShutdown);
    }
    let result = manager.send(WaitForShutdown).await.unwrap();
    println!("{result:?}");
    result.as_ref().err().map_or(0, ManagerError::exit_code)
}

#[actix::test]
async fn g15_a_clean_end_is_no_error() {
    assert_eq!(code_of([script("a"), script("b")]).await, 0);
}

#[actix::test]
async fn g15_a_failed_set_up_is_1() {
    for setup in [Behaviour::Error, Behaviour::Panic, Behaviour::AsyncPanic] {
        assert_eq!(code_of([ServiceScript { setup, ..script("a") }, script("b")]).await, 1, "{setup:?}");
    }
}

#[actix::test]
async fn g15_a_failed_run_is_2() {
    for failure in [Behaviour::Error, Behaviour::Panic, Behaviour::AsyncPanic] {
        let run = RunBehaviour::As(failure);
        assert_eq!(code_of([ServiceScript { run, ..script("a") }, script("b")]).await, 2, "{run:?}");
    }
}

#[actix::test]
async fn g15_an_error_or_panic_while_stopping_is_3() {
    for shutdown in [Behaviour::Error, Behaviour::Panic, Behaviour::AsyncPanic] {
        assert_eq!(code_of([ServiceScript { shutdown, ..script("a") }]).await, 3, "{shutdown:?}");
    }
}

#[actix::test]
async fn g15_whatever_has_to_be_forced_is_3() {
    let hang = Behaviour::Hang;
    let resources = vec![ResourceScript::new("r").release(hang)];
    let codes = [
        code_within(2, [ServiceScript { run: RunBehaviour::IgnoreShutdown, ..script("a") }]),
        code_within(2, [ServiceScript { shutdown: hang, ..script("a") }]),
        code_within(2, [ServiceScript { resources, ..script("a") }]),
    ];
    // Side by side: each takes its whole limit.
    for code in codes.map(actix::spawn) {
        assert_eq!(code.await.unwrap(), 3);
    }
}

#[actix::test]
async fn g15_an_error_or_panic_while_releasing_is_3() {
    for release in [Behaviour::Error, Behaviour::Panic, Behaviour::AsyncPanic] {
        let resources = vec![ResourceScript::new("r").release(release)];
        assert_eq!(code_of([ServiceScript { resources, ..script("a") }]).await, 3, "{release:?}");
    }
}

#[actix::test]
async fn g15_where_several_stages_failed_the_highest_counts() {
    let failing = ServiceScript { run: RunBehaviour::As(Behaviour::Error), ..script("a") };
    let stuck = ServiceScript { run: RunBehaviour::IgnoreShutdown, ..script("b") };
    assert_eq!(code_within(2, [failing, stuck]).await, 3);
    let unready = ServiceScript { setup: Behaviour::Error, ..script("a") };
    let resources = vec![ResourceScript::new("r").release(Behaviour::Error)];
    assert_eq!(code_of([unready, ServiceScript { resources, ..script("b") }]).await, 3);
}

/// What the process of the exit test does: one of its services blocks its thread for good.
#[test]
fn child_program() {
    let Some(program) = child::program() else { return };
    let exit = actix::System::new().block_on(async {
        let blocking = ServiceScript { shutdown: Behaviour::Block(Duration::from_secs(600)), ..script("a") };
        let options = options().max_shutdown_duration(Duration::from_millis(200));
        let manager = Manager::new(options).service(ScriptedService::new(blocking)).start();
        manager.send(WaitUntilRunning).await.unwrap().unwrap();
        // It would keep the runtime from being dropped, and so `main` from returning.
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_secs(600)));
        manager.do_send(StartShutdown);
        let result = manager.send(WaitForShutdown).await.unwrap();
        if program == "returns" { Exit::from(result) } else { majordomo::exit(result) }
    });
    exit.report();
}

#[test]
fn g15_a_main_that_returns_an_exit_ends_a_process_that_a_blocked_thread_would_keep_alive() {
    let mut process = child::start(module_path!(), "returns");
    process.wait_for_error("blocking its thread");
    assert_eq!(process.end().code(), Some(3));
}

#[actix::test]
async fn g15_an_exit_knows_the_code_of_any_error_that_comes_from_a_manager() {
    let unnamed = Manager::new(options()).service(ScriptedService::new(script("")));
    let error = unnamed.run().await.unwrap_err();
    assert_eq!(Exit::from(Err::<(), ManagerError>(error.clone())).code(), 1);
    let manager = Manager::new(options()).service(ScriptedService::new(ServiceScript {
        run: RunBehaviour::As(Behaviour::Error),
        ..script("a")
    }));
    let error = manager.run().await.unwrap_err();
    assert_eq!(Exit::from(Err::<(), ManagerError>(error.clone())).code(), 2);
    assert_eq!(Exit::from(Err::<(), BoxError>(error.clone().into())).code(), 2);
    let wrapped = std::io::Error::other(error);
    assert_eq!(Exit::from(Err::<(), BoxError>(wrapped.into())).code(), 2);
    assert_eq!(Exit::from(Err::<(), BoxError>("no manager's".into())).code(), 1);
    assert_eq!(Exit::from(Ok::<(), BoxError>(())).code(), 0);
    // None of them was returned, and so none ended anything.
}

#[test]
fn g15_exit_ends_a_process_that_a_blocked_thread_would_keep_alive() {
    let mut process = child::start(module_path!(), "blocked");
    process.wait_for_error("blocking its thread");
    assert_eq!(process.end().code(), Some(3));
}
