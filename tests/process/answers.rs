//! G13: everybody who waits is answered. G14: waiting costs nothing.

use std::future::pending;
use std::time::Duration;
use support::child;

use actix::prelude::*;
use majordomo::testing::{Behaviour, RunBehaviour, ScriptedService, ServiceScript};
use majordomo::{
    ForceShutdown, GetStatus, Manager, ManagerError, Run, Stage, StageError, StartShutdown, WaitForShutdown,
    WaitUntilRunning, service_fn,
};
use support::visible::{Probe, options};

fn scripted(id: &str, setup: Behaviour, run: RunBehaviour) -> ScriptedService {
    ScriptedService::new(ServiceScript { id: id.into(), setup, run, ..ServiceScript::default() })
}

#[actix::test]
async fn g13_all_who_wait_are_answered_before_and_after_the_end() {
    let (service, _addr) = Probe::new("a");
    let manager = Manager::new(options()).service(service).start();
    let early: Vec<_> = (0..50).map(|_| manager.send(WaitForShutdown)).collect();
    manager.send(WaitUntilRunning).await.unwrap().unwrap();
    manager.do_send(StartShutdown);
    for waiting in early {
        waiting.await.unwrap().unwrap();
    }
    manager.send(WaitForShutdown).await.unwrap().unwrap();
    assert_eq!(manager.send(GetStatus).await.unwrap().stage, Stage::Stopped);
}

#[actix::test]
async fn g13_an_error_is_told_to_everybody_again_and_again() {
    let failing = scripted("a", Behaviour::Ok, RunBehaviour::As(Behaviour::Error));
    let manager = Manager::new(options()).service(failing).start();
    let first = manager.send(WaitForShutdown).await.unwrap().unwrap_err();
    let second = manager.send(WaitForShutdown).await.unwrap().unwrap_err();
    assert_eq!(first.to_string(), second.to_string());
    assert_eq!(second.exit_code(), 2);
    let ready = manager.send(WaitUntilRunning).await.unwrap().unwrap_err();
    assert_eq!(ready.exit_code(), 2, "ready, or why not: {ready}");
}

#[actix::test]
async fn g13_dropping_the_last_address_neither_stops_the_manager_nor_loses_an_answer() {
    let (service, addr) = Probe::new("a");
    let ended = service.ended();
    let manager = Manager::new(options()).service(service).start();
    manager.send(WaitUntilRunning).await.unwrap().unwrap();
    let stopper = manager.downgrade();
    let waiting = manager.send(WaitForShutdown);
    drop(manager);

    // The service still answers, so its manager still runs.
    addr.get().send(support::visible::Ask).await.unwrap();
    assert!(!ended.gracefully());
    stopper.upgrade().expect("a manager that runs lives").do_send(StartShutdown);
    waiting.await.unwrap().unwrap();
    assert!(ended.gracefully());
}

#[actix::test]
async fn g13_wait_until_running_is_answered_with_the_set_up_error() {
    let failing = scripted("frail", Behaviour::Error, RunBehaviour::UntilShutdown);
    let manager = Manager::new(options()).service(failing).start();
    let error = manager.send(WaitUntilRunning).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("frail"), "{error}");
    assert_eq!(error.exit_code(), 1);
}

#[actix::test]
async fn g13_wait_until_running_is_answered_when_shutdown_comes_first() {
    let hanging = scripted("a", Behaviour::Hang, RunBehaviour::UntilShutdown);
    let manager = Manager::new(options()).service(hanging).start();
    let waiting = manager.send(WaitUntilRunning);
    manager.do_send(ForceShutdown);
    let error = waiting.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("a (setup)"), "{error}");
}

#[actix::test]
async fn g13_wait_until_running_is_refused_once_a_clean_end_has_begun() {
    let (service, _addr) = Probe::new("a");
    let manager = Manager::new(options()).service(service).start();
    manager.send(WaitUntilRunning).await.unwrap().unwrap();
    manager.do_send(StartShutdown);
    let error = manager.send(WaitUntilRunning).await.unwrap().unwrap_err();
    assert!(matches!(error.setup(), Some(StageError::NotRunning)), "{error}");
    manager.send(WaitForShutdown).await.unwrap().unwrap();
}

#[test]
fn g13_a_system_that_is_stopped_under_its_manager_leaves_nobody_waiting() {
    let answer: Result<(), ManagerError> = System::new().block_on(async {
        let stuck = service_fn("stuck", |_: Run| pending());
        let limited = options().max_shutdown_duration(Duration::from_millis(300));
        let manager = Manager::new(limited).service(stuck).start();
        manager.send(WaitUntilRunning).await.unwrap().unwrap();
        let waiting = manager.send(WaitForShutdown);
        System::current().stop();
        waiting.await.unwrap_or_else(|error| Err(error.into()))
    });
    // It outlives the system, and is asked to stop.
    let error = answer.unwrap_err();
    let Some(StageError::Services(errors)) = error.shutdown() else { panic!("nobody was forced: {error}") };
    assert_eq!(errors.errors()[0].service_id, "stuck");
}

/// What the process of the idle test does: a hundred services with resources, waiting.
#[test]
fn child_program() {
    if child::program().is_none() {
        return;
    }
    let waits = System::new().block_on(async {
        let idle = |number: usize| {
            service_fn(format!("idle {number}"), |run: Run| async move {
                run.resources.start("resource", majordomo::resource_fn(|| async { Ok(()) }))?;
                run.shutdown.requested().await;
                Ok(())
            })
        };
        let manager = (0..100).map(idle).fold(Manager::new(options()), Manager::service).start();
        manager.send(WaitUntilRunning).await.unwrap().unwrap();
        let (before, _) = (settle(), ());
        std::thread::sleep(Duration::from_millis(500));
        let waits = wake_ups() - before;
        manager.do_send(StartShutdown);
        manager.send(WaitForShutdown).await.unwrap().unwrap();
        waits
    });
    println!("\nchild: {waits} wake-ups");
    std::process::exit(0)
}

/// Waits until all that was begun is done: two looks in a row see nobody wake up.
fn settle() -> u64 {
    let mut last = wake_ups();
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let now = wake_ups();
        if now == last {
            return now;
        }
        last = now;
    }
}

/// How often threads of this process, but for the one that asks, have gone to sleep since they began.
fn wake_ups() -> u64 {
    let me = std::fs::read_link("/proc/thread-self").unwrap();
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap());
    let others = threads.filter(|thread| Some(&*thread.file_name()) != me.file_name());
    let switches = |status: String| {
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"));
        line.and_then(|line| line.split_whitespace().last()?.parse::<u64>().ok()).unwrap()
    };
    others.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok()).map(switches).sum()
}

#[test]
#[cfg(target_os = "linux")]
fn g14_a_manager_whose_services_wait_wakes_no_thread() {
    let line = child::start(module_path!(), "idle").wait_for("wake-ups");
    assert_eq!(line, "child: 0 wake-ups", "in half a second");
}
