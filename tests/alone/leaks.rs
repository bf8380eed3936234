//! `Leaks`: what is left over is found and named, and what is gone is not. Alone in its program and one after the other, since
//! it sees all of the process.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::thread;
use std::time::Duration;

use majordomo::testing::{Leaks, ManagerSuite, ResourceScript, ServiceScript};
use majordomo::{Manager, ManagerOptions, Release, Resource};
use support::kit::{assert_tells, async_failure};
use support::{Gate, ms, options};

#[actix::test]
async fn what_is_left_over_is_found_and_named_and_what_is_gone_is_not() {
    nothing_is_left_of_nothing().await;
    a_manager_leaves_nothing_behind().await;
    a_thread_is_named().await;
    a_descriptor_is_named_by_its_target().await;
    tasks_are_counted().await;
    what_ends_a_little_later_is_waited_for().await;
    a_resource_that_forgets_its_thread_is_found_out().await;
    the_thread_of_signals_ends_with_the_last_manager().await;
}

async fn nothing_is_left_of_nothing() {
    let leaks = Leaks::snapshot();
    assert!(leaks.can_tell());
    leaks.assert_none().await;
    assert!(leaks.now().is_empty());
}

async fn a_manager_leaves_nothing_behind() {
    let leaks = Leaks::snapshot();
    let manager = Manager::new(options().grpc_ping_service(true))
        .service(ServiceScript::new("a").resource(ResourceScript::new("pool")));
    let suite = ManagerSuite::start(manager).await;
    suite.testing().ping_grpc_server(None).await;
    let running = leaks.now();
    assert!(running.threads.len() >= 3 && !running.descriptors.is_empty(), "{running}");
    suite.shutdown().await;
    leaks.assert_none().await;
}

async fn a_thread_is_named() {
    let leaks = Leaks::snapshot();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let forgotten = thread::Builder::new().name("forgotten".into()).spawn(move || stopped.recv()).unwrap();
    let message = async_failure(leaks.assert_none_within(ms(20))).await;
    let wanted = ["expected: nothing is left over after 20ms", "left are 1 threads", "thread forgotten ("];
    assert_tells(&message, &wanted);
    drop(stop);
    forgotten.join().unwrap().unwrap_err();
    leaks.assert_none_blocking();
}

async fn a_descriptor_is_named_by_its_target() {
    let leaks = Leaks::snapshot();
    let file = File::open("/dev/null").unwrap();
    let message = async_failure(leaks.assert_none_within(ms(1))).await;
    assert_tells(&message, &["1 file descriptors", "-> /dev/null"]);
    drop(file);
    leaks.assert_none().await;
}

async fn tasks_are_counted() {
    let leaks = Leaks::snapshot();
    let gate = Gate::new();
    let task = tokio::spawn({
        let gate = gate.clone();
        async move { gate.passed().await }
    });
    gate.arrived().await;
    let message = async_failure(leaks.assert_none_within(ms(1))).await;
    assert_tells(&message, &["0 threads, 0 file descriptors, 1 tasks"]);
    gate.open();
    task.await.unwrap();
    leaks.assert_none().await;
}

async fn what_ends_a_little_later_is_waited_for() {
    let leaks = Leaks::snapshot();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let late = thread::spawn(move || stopped.recv());
    let task = tokio::spawn(async move {
        tokio::task::yield_now().await;
        drop(stop);
    });
    leaks.assert_none().await;
    assert!(task.is_finished() && late.is_finished());
}

/// A resource that acknowledges before its work is over.
struct Hasty(Option<std::sync::mpsc::Receiver<()>>);

impl actix::Actor for Hasty {
    type Context = actix::Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        let stopped = self.0.take().unwrap();
        thread::Builder::new().name("hasty-worker".into()).spawn(move || stopped.recv()).unwrap();
    }
}

impl Resource for Hasty {}

impl actix::Handler<Release> for Hasty {
    type Result = Result<(), majordomo::BoxError>;

    fn handle(&mut self, _: Release, _: &mut Self::Context) -> Self::Result {
        Ok(())
    }
}

async fn a_resource_that_forgets_its_thread_is_found_out() {
    let leaks = Leaks::snapshot();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let service = majordomo::service_fn("a", move |run: majordomo::Run| async move {
        run.resources.start("hasty", Hasty(Some(stopped)))?;
        run.shutdown.requested().await;
        Ok(())
    });
    let suite = ManagerSuite::start(Manager::new(options()).service(service)).await;
    suite.recorder().wait_for("resource_started a/hasty").await;
    suite.shutdown().await;
    let message = async_failure(leaks.assert_none_within(Duration::from_millis(300))).await;
    assert_tells(&message, &["left are 1 threads", "thread hasty-worker"]);
    drop(stop);
    leaks.assert_none().await;
}

async fn the_thread_of_signals_ends_with_the_last_manager() {
    let signals =
        || Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(ServiceScript::new("a"));
    let leaks = Leaks::snapshot();
    ManagerSuite::start(signals()).await.shutdown().await;
    leaks.assert_none().await;
}
