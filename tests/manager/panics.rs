//! G11: a panic costs one actor, never another one, the manager or the process.

use std::fmt;
use std::time::Duration;

use actix::prelude::*;
use majordomo::{
    BoxError, Manager, ManagerError, ManagerOptions, PanicError, Release, Resource, Run, ServiceError,
    StageError, StartShutdown, WaitForShutdown, WaitUntilRunning, service_fn,
};
use support::visible::{Probe, options};

/// A message whose handler panics.
#[derive(Message)]
#[rtype(result = "()")]
struct Boom(How);

#[derive(Clone, Copy)]
enum How {
    Handler,
    Future,
    ActorFuture,
    SpawnedTask,
}

/// Panics in the way that it is asked to.
fn boom<A: Actor<Context = Context<A>>>(how: How, ctx: &mut Context<A>) -> ResponseFuture<()> {
    match how {
        How::Handler => panic!("boom in handler"),
        How::Future => return Box::pin(async { panic!("boom in future") }),
        How::ActorFuture => {
            ctx.spawn(
                actix::fut::wrap_future(async {}).map(|(), _: &mut A, _| panic!("boom in actor future")),
            );
        }
        How::SpawnedTask => {
            actix::spawn(async { panic!("boom in spawned task") });
        }
    }
    Box::pin(async {})
}

impl Handler<Boom> for Probe {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, boom_: Boom, ctx: &mut Context<Self>) -> Self::Result {
        boom(boom_.0, ctx)
    }
}

fn errors(stage: Option<&StageError>) -> &[ServiceError] {
    match stage {
        Some(StageError::Services(errors)) => errors.errors(),
        other => panic!("no errors of services: {other:?}"),
    }
}

/// The one error of the run, which is a panic.
fn the_panic(error: &ManagerError) -> (&ServiceError, &PanicError) {
    let [error] = errors(error.run()) else { panic!("not one error: {error}") };
    let panic = error.source.downcast_ref().unwrap_or_else(|| panic!("no panic: {error}"));
    (error, panic)
}

async fn a_panicking_handler(how: How, message: &str) {
    let (frail, frail_addr) = Probe::new("frail");
    let (solid, solid_addr) = Probe::new("solid");
    let solid_ended = solid.ended();
    let manager = Manager::new(options()).service(frail).service(solid).start();
    manager.send(WaitUntilRunning).await.unwrap().unwrap();

    let _ = frail_addr.get().send(Boom(how)).await;
    let error = manager.send(WaitForShutdown).await.unwrap().unwrap_err();

    let (service, panic) = the_panic(&error);
    assert_eq!(service.service_id, "frail");
    assert_eq!(panic.message, message);
    assert!(panic.location.contains("panics.rs"), "{}", panic.location);
    assert!(error.to_string().contains(message), "{error}");
    assert!(error.shutdown().is_none(), "the others were shut down gracefully: {error}");
    assert_eq!(error.exit_code(), 2);
    assert!(solid_ended.gracefully(), "solid was asked to stop and did");
    drop(solid_addr);
}

#[actix::test]
async fn g11_a_panic_in_a_handler_is_reported_and_ends_nobody_else() {
    a_panicking_handler(How::Handler, "boom in handler").await;
}

#[actix::test]
async fn g11_a_panic_in_a_response_future_is_reported_and_ends_nobody_else() {
    a_panicking_handler(How::Future, "boom in future").await;
}

#[actix::test]
async fn g11_a_panic_in_an_actor_future_is_reported_and_ends_nobody_else() {
    a_panicking_handler(How::ActorFuture, "boom in actor future").await;
}

#[actix::test]
async fn g11_a_panic_in_a_spawned_task_is_reported_and_ends_nobody_else() {
    a_panicking_handler(How::SpawnedTask, "boom in spawned task").await;
}

/// A resource that panics when asked to.
struct Frail;

impl Actor for Frail {
    type Context = Context<Self>;
}

impl Resource for Frail {}

impl Handler<Release> for Frail {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<Boom> for Frail {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, boom_: Boom, ctx: &mut Context<Self>) -> Self::Result {
        boom(boom_.0, ctx)
    }
}

async fn a_panicking_resource(how: How, message: &'static str) {
    let service = service_fn("owner", move |run: Run| async move {
        let frail = run.resources.start("frail", Frail)?;
        let _ = frail.send(Boom(how)).await;
        run.shutdown.requested().await;
        Ok(())
    });
    let error = Manager::new(options()).service(service).run().await.unwrap_err();

    let (service, panic) = the_panic(&error);
    assert_eq!((&*service.service_id, service.resource.as_deref()), ("owner", Some("frail")));
    assert_eq!(panic.message, message);
}

#[actix::test]
async fn g11_a_resource_that_dies_while_its_service_runs_fails_that_service() {
    a_panicking_resource(How::Handler, "boom in handler").await;
}

#[actix::test]
async fn g11_a_panic_in_a_future_of_a_resource_fails_its_service() {
    a_panicking_resource(How::Future, "boom in future").await;
}

/// Panics where the actor's own life begins and ends.
#[derive(Default)]
struct Fated {
    in_started: bool,
    in_stopped: bool,
    in_drop: bool,
}

impl Actor for Fated {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        assert!(!self.in_started, "boom in started");
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        assert!(!self.in_stopped, "boom in stopped");
    }
}

impl Drop for Fated {
    fn drop(&mut self) {
        assert!(!self.in_drop || std::thread::panicking(), "boom in drop");
    }
}

support::service!(Fated, "fated");

#[actix::test]
async fn g11_a_panic_in_started_fails_the_set_up() {
    let fated = Fated { in_started: true, ..Fated::default() };
    let error = Manager::new(options()).service(fated).run().await.unwrap_err();
    let [error] = errors(error.setup()) else { panic!("{error}") };
    assert!(error.to_string().contains("boom in started"), "{error}");
}

#[actix::test]
async fn g11_a_panic_in_stopped_or_in_drop_is_reported_and_delays_nobody() {
    for (fated, message) in [
        (Fated { in_stopped: true, ..Fated::default() }, "boom in stopped"),
        (Fated { in_drop: true, ..Fated::default() }, "boom in drop"),
    ] {
        let (solid, _addr) = Probe::new("solid");
        let ended = solid.ended();
        let manager = Manager::new(options()).service(fated).service(solid).start();
        manager.send(WaitUntilRunning).await.unwrap().unwrap();
        manager.do_send(StartShutdown);
        let error = manager.send(WaitForShutdown).await.unwrap().unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.exit_code(), 3, "it ran well and shut down badly: {error}");
        assert!(ended.gracefully());
    }
}

#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("boom in Display")
    }
}

impl std::error::Error for Unspeakable {}

#[actix::test]
async fn g11_an_error_that_panics_when_it_is_displayed_ends_nobody() {
    let service = service_fn("mute", |_: Run| async { Err(Unspeakable.into()) });
    let error = Manager::new(options()).service(service).run().await.unwrap_err();
    assert!(error.to_string().contains("boom in Display"), "{error}");
    assert!(error.to_string().contains("mute"), "{error}");
}

#[actix::test]
async fn g11_a_panic_with_a_payload_that_is_no_text_is_reported() {
    let service = service_fn("odd", |_: Run| async {
        if true {
            std::panic::panic_any(7_u32);
        }
        Ok(())
    });
    let error = Manager::new(options()).service(service).run().await.unwrap_err();
    let (_, panic) = the_panic(&error);
    assert!(panic.message.contains("no text"), "{}", panic.message);
}

#[actix::test]
async fn g11_the_backtrace_of_a_panic_leads_to_the_code_that_panicked() {
    fn the_culprit() {
        panic!("traced");
    }
    let service = service_fn("traced", |_: Run| async {
        the_culprit();
        Ok(())
    });
    let error = Manager::new(options()).service(service).run().await.unwrap_err();
    let (_, panic) = the_panic(&error);
    assert!(panic.backtrace.to_string().contains("the_culprit"), "{}", panic.backtrace);
}

#[actix::test]
async fn g11_a_panicking_service_does_not_keep_the_report_from_naming_a_hanging_one() {
    let options = ManagerOptions::new()
        .grpc_ping_service(false)
        .handle_signals(false)
        .max_shutdown_duration(Duration::from_millis(1000));
    let frail = service_fn("frail", |_: Run| async { panic!("boom") });
    let stuck = service_fn("stuck", |_: Run| std::future::pending());
    let error = Manager::new(options).service(frail).service(stuck).run().await.unwrap_err();
    assert_eq!(errors(error.run())[0].service_id, "frail");
    assert_eq!(errors(error.shutdown())[0].service_id, "stuck");
    assert_eq!(error.exit_code(), 3);
}

/// A task that panics again and again, each time as a task of its own.
fn panics_in_a_loop(times: u32) {
    if times > 0 {
        actix::spawn(async move {
            panics_in_a_loop(times - 1);
            panic!("boom again");
        });
    }
}

#[actix::test]
async fn g16_tasks_that_panic_in_a_loop_are_told_as_the_first_few_and_a_count() {
    const TIMES: u32 = 200;
    let (frail, frail_addr) = Probe::new("frail");
    let manager = Manager::new(options()).service(frail).start();
    manager.send(WaitUntilRunning).await.unwrap().unwrap();
    frail_addr.get().do_send(Loop(TIMES));
    let error = manager.send(WaitForShutdown).await.unwrap().unwrap_err();
    let told: Vec<String> = [error.run(), error.shutdown()]
        .into_iter()
        .flatten()
        .flat_map(|stage| errors(Some(stage)))
        .map(ToString::to_string)
        .collect();
    assert!((2..=8).contains(&told.len()), "{told:#?}");
    let counted = told.iter().filter(|text| text.contains("further panics of its tasks")).count();
    assert_eq!(counted, 1, "{told:#?}");
}

#[derive(Message)]
#[rtype(result = "()")]
struct Loop(u32);

impl Handler<Loop> for Probe {
    type Result = ();

    fn handle(&mut self, Loop(times): Loop, _: &mut Context<Self>) {
        panics_in_a_loop(times);
    }
}
