//! The rehearsal of a user's own manager: obliging services survive it, and what is wrong with others is found.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use majordomo::testing::{RehearsalError, ResourceScript, ScriptedService, ServiceScript, rehearse};
use majordomo::{
    BoxError, GenericService, Manager, ManagerOptions, RestartPolicy, Run, Service, ServiceSpec, Setup,
    Shutdown, http_service, nested, restartable_fn, service_fn,
};
use tokio::sync::Notify;

use support::{Folder, ms};

/// Long enough to be kept by a busy machine.
const WITHIN: Duration = ms(500);

fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false)
}

fn scripted(id: &str, resources: &[&str]) -> ScriptedService {
    let resource = |name: &&str| ResourceScript { name: (*name).to_owned(), ..ResourceScript::default() };
    let resources = resources.iter().map(resource).collect();
    ScriptedService::new(ServiceScript { id: id.to_owned(), resources, ..ServiceScript::default() })
}

/// Two services, one of them with two resources.
fn obliging() -> Manager {
    Manager::new(options()).service(scripted("shop", &["database", "cache"])).service(scripted("clock", &[]))
}

#[test]
fn obliging_services_survive_every_fault() {
    let rehearsed = rehearse(obliging).shutdown_within(WITHIN).run();
    assert_eq!(rehearsed.missed, [""; 0]);
    // 6 steps of services and 2 releases, each with six ways to be told to stop; 2 starts; 4 lives.
    assert_eq!(rehearsed.cases, 2 * (15 + 15 + 14) + 2 * 14 + 2 * 2 + 4 * 2);
    // But for the two ways to block of each step and release.
    assert_eq!(rehearsed.in_paused_time, rehearsed.cases - 2 * 8);
    assert_eq!(rehearsed.mended, 0);
}

/// With servers of both kinds, at sockets.
fn serving() -> Manager {
    let options = ManagerOptions::new().grpc_server_address("127.0.0.1:0");
    let hello = tower::service_fn(|_: http::Request<majordomo::http::Body>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(majordomo::http::Body::from("hello")))
    });
    let web = http_service("web", "127.0.0.1:0", hello);
    Manager::new(options).service_and_grpc(scripted("both", &["pool"])).service(web)
}

#[test]
fn so_do_they_beside_servers_in_real_time() {
    // A choice of them.
    let rehearsed = rehearse(serving).shutdown_within(WITHIN).real_time().at_most(60).run();
    assert_eq!((rehearsed.missed.len(), rehearsed.in_paused_time), (0, 0), "{rehearsed}");
}

#[test]
fn so_do_they_beside_servers_in_paused_time_where_these_are_in_memory() {
    let rehearsed = rehearse(serving).except(": block").run();
    assert_eq!((rehearsed.missed.len(), &rehearsed.not_paused), (0, &None), "{rehearsed}");
    assert_eq!(rehearsed.in_paused_time, rehearsed.cases);
    assert!(rehearsed.cases > 100, "{rehearsed}");
}

#[test]
fn restarts_mend_what_goes_wrong_while_all_run() {
    let manager = || {
        let patient = |id: &str| {
            restartable_fn(id, |run: Run| async move {
                run.shutdown.requested().await;
                Ok(())
            })
        };
        Manager::new(options())
            .service(ServiceSpec::new(patient("base")).restart(RestartPolicy::on_failure()))
            .service(ServiceSpec::new(patient("upper")).restart(RestartPolicy::always()).depends_on("base"))
    };
    let rehearsed = rehearse(manager).shutdown_within(WITHIN).run();
    // Of each: error, panic, async_panic and end of its run; panic and end in its life.
    assert_eq!((rehearsed.missed.len(), rehearsed.mended), (0, 2 * 6), "{rehearsed}");
}

#[test]
fn g21_retries_mend_what_goes_wrong_in_a_set_up() {
    let manager = || {
        let late = ServiceSpec::new(scripted("late", &["socket"])).retry_setup(RestartPolicy::on_failure());
        Manager::new(options()).service(late).service(ServiceSpec::new(scripted("other", &[])))
    };
    // Whether a resource that ends as it starts is heard of before its set-up has succeeded is chance.
    let rehearsed = rehearse(manager).shutdown_within(WITHIN).except("start of").run();
    // Error, late error, panic, async_panic and end of its set-up.
    assert_eq!((rehearsed.missed.len(), rehearsed.mended), (0, 5), "{rehearsed}");
}

#[test]
fn a_nested_manager_is_rehearsed_as_the_service_that_it_is() {
    let manager =
        || Manager::new(options()).service(nested("child", obliging)).service(scripted("beside", &[]));
    let rehearsed = rehearse(manager).except(": block").run();
    assert_eq!(rehearsed.missed, [""; 0]);
    assert_eq!(rehearsed.in_paused_time, rehearsed.cases);
}

#[actix::test]
async fn it_may_be_called_within_a_system() {
    assert_eq!(rehearse(obliging).at_most(3).run().cases, 3);
}

/// What the rehearsal finds wrong.
#[track_caller]
fn found(rehearsed: Result<majordomo::testing::Rehearsed, RehearsalError>) -> RehearsalError {
    match rehearsed {
        Ok(rehearsed) => panic!("nothing was found: {rehearsed}"),
        Err(error) => error,
    }
}

#[track_caller]
fn has(error: &RehearsalError, case: &str, says: &[&str]) {
    let failed = error.failed().iter().find(|failed| failed.lines().next() == Some(case));
    let failed = failed.unwrap_or_else(|| panic!("{case} is not among: {error}"));
    assert!(says.iter().all(|says| failed.contains(says)), "no {says:?} in {failed}");
}

#[test]
fn a_service_that_never_stops_is_found_before_anything_goes_wrong() {
    let manager = || Manager::new(options()).service(service_fn("deaf", |_| std::future::pending()));
    let error = found(rehearse(manager).shutdown_within(WITHIN).try_run());
    assert!(
        error.to_string().starts_with("the rehearsal cannot begin: the manager failed with nothing going")
    );
    has(&error, "nothing at all", &["expected an end without an error", "deaf (run): forced"]);
}

/// Stops only when it is told to by another, in place of listening to its own signal.
fn waits_for_its_friend() -> Manager {
    let word = Arc::new(Notify::new());
    let heard = Arc::clone(&word);
    let friend = service_fn("friend", |run: Run| async move {
        run.shutdown.requested().await;
        word.notify_one();
        Ok(())
    });
    let follower = service_fn("follower", move |_| async move {
        heard.notified().await;
        Ok(())
    });
    Manager::new(options()).service(friend).service(follower)
}

#[test]
fn a_service_that_hangs_when_another_fails_is_found_with_the_line_that_plays_it_again() {
    let error = found(rehearse(waits_for_its_friend).seed(5).except(": block").try_run());
    let says = [
        "expected nobody to be blamed but run of friend",
        "the stage `shutdown` blames follower (run): forced after",
        "run_finished friend: error: rehearsed: run of friend fails",
        "MAJORDOMO_REHEARSE='run of friend: error @ seed 5' cargo test \
         rehearse::a_service_that_hangs_when_another_fails_is_found_with_the_line_that_plays_it_again -- --nocapture",
    ];
    has(&error, "run of friend: error", &says);
    let told_to_stop =
        error.failed().iter().any(|failed| failed.starts_with("run of follower: StartShutdown\n"));
    assert!(!told_to_stop, "nothing is wrong with that: {error}");
}

/// Makes a file when it is set up, and takes it away only when it is asked to stop.
struct Locker(PathBuf);

impl Actor for Locker {
    type Context = Context<Self>;
}

impl Service for Locker {
    fn id(&self) -> String {
        "locker".to_owned()
    }
}

impl GenericService for Locker {}

impl Handler<Setup> for Locker {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        File::create_new(&self.0).map(drop).map_err(|error| format!("the lock file: {error}").into())
    }
}

impl Handler<Run> for Locker {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        Box::pin(async move {
            run.shutdown.requested().await;
            Ok(())
        })
    }
}

impl Handler<Shutdown> for Locker {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        Ok(std::fs::remove_file(&self.0)?)
    }
}

#[test]
fn a_service_that_leaves_something_behind_when_it_fails_is_found() {
    let folder = Folder::new();
    let lock = folder.path("lock");
    let error = found(rehearse(|| Manager::new(options()).service(Locker(lock.clone()))).try_run());
    assert!(error.to_string().contains("the lock file: File exists"), "{error}");
}

#[test]
fn an_address_in_use_is_told_as_what_it_is() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let manager = || {
        let listener = service_fn("listener", move |_| async move {
            let _listener = TcpListener::bind(address)?;
            Ok(())
        });
        Manager::new(options()).service(listener)
    };
    let error = found(rehearse(manager).shutdown_within(WITHIN).try_run());
    has(&error, "nothing at all", &["listener (run): Address already in use", "listen at port 0"]);
}

#[test]
fn a_case_is_played_again_alone_as_its_line_says() {
    let play = |case: &str| {
        let test = ["--exact", "rehearse::it_may_be_called_within_a_system", "--nocapture"];
        let mut program = Command::new(std::env::current_exe().unwrap());
        let output = program.args(test).env("MAJORDOMO_REHEARSE", case).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (passed, told) = play("run of shop: hang @ seed 5");
    // All of its events, and how it ended; that was one case, where the test wants three.
    let says = [
        "run of shop: hang, seed 5",
        "run_started clock",
        "the end: the manager failed:",
        "shop (run): forced",
    ];
    assert!(!passed && says.iter().all(|says| told.contains(says)), "{told}");
    let (passed, told) = play("run of nobody: hang @ seed 5");
    assert!(!passed && told.contains("there is no case \"run of nobody: hang\" here; there are:"), "{told}");
    let (passed, told) = play("run of shop: hang");
    assert!(!passed && told.contains("MAJORDOMO_REHEARSE is \"run of shop: hang\": give what"), "{told}");
}

#[test]
fn what_cannot_work_is_not_rehearsed() {
    let manager = || Manager::new(options()).service(scripted("same", &[])).service(scripted("same", &[]));
    let error = found(rehearse(manager).try_run());
    assert!(error.to_string().contains("two services have the id \"same\""), "{error}");
    assert!(error.failed().is_empty());
}
