//! What a manager that is held up finds when it goes on, and what its services do meanwhile.

mod held;

use std::time::Duration;

use self::held::{Fail, Failing, Held, Lives, at_once};
use crate::lifecycle::Input;
use crate::manager::observe::event_log::Detail;
use crate::{
    AddService, ForceShutdown, Reload, RemoveService, RestartService, ServiceSpec, StartShutdown, StopService,
};

/// What is told of a failure and of what follows, up to the next set-up.
const STARTED_OVER: [&str; 3] = ["run_finished a: panic", "restart_started a", "setup_started a"];

#[actix::test]
async fn g04_a_service_begins_its_next_life_while_its_manager_is_held_up() {
    for fail in [Fail::Panic, Fail::Stop] {
        let mut held = Held::begin(Failing::default(), at_once()).await;
        held.hold().await;
        held.failing.do_send(fail);
        assert_eq!(held.failing.send(Lives).await.expect("it lives again"), 2);
        held.release();
        held.manager.do_send(StartShutdown);
        let (result, told) = held.end().await;
        result.expect("a failure that a restart sees to is none of the manager's");
        assert_eq!(told.iter().filter(|told| *told == "restart_started a").count(), 1, "{told:#?}");
    }
}

#[actix::test]
async fn g04_what_was_begun_is_told_before_a_shutdown_that_was_asked_meanwhile() {
    let mut held = Held::begin(Failing::default(), at_once()).await;
    held.hold().await;
    held.start_over().await;
    held.manager.do_send(StartShutdown);
    let (result, told) = held.end().await;
    result.expect("nothing failed that is not seen to");
    // The answer to the set-up may come before the shutdown is heard of, or after it.
    let shutdown = told.iter().position(|told| told == "shutdown_requested").expect("it was asked");
    assert!(shutdown >= STARTED_OVER.len(), "{told:#?}");
    assert_eq!(told[..STARTED_OVER.len()], STARTED_OVER);
}

#[actix::test]
async fn g04_what_was_begun_is_heard_before_whatever_the_manager_takes_in_first() {
    let mut held = Held::begin(Failing::default(), at_once()).await;
    held.hold_and(|shell| shell.feed(Input::ShutdownAsked, Detail::None)).await;
    held.start_over().await;
    let (result, told) = held.end().await;
    result.expect("nothing failed that is not seen to");
    assert_eq!(told[..STARTED_OVER.len()], STARTED_OVER);
    let place = |what: &str| told.iter().position(|told| told.starts_with(what));
    assert!(place("shutdown_requested") < place("setup_finished a"), "{told:#?}");
}

#[actix::test]
async fn g04_what_was_begun_is_told_before_an_order_that_was_given_meanwhile() {
    let mut held = Held::begin(Failing::default(), at_once()).await;
    held.hold().await;
    held.start_over().await;
    let stop = held.manager.send(StopService("a".into()));
    let stopped = async {
        stop.await.expect("it is there").expect("it can be stopped");
    };
    let stopped = actix::spawn(stopped);
    held.its_thread_is_idle().await;
    held.release();
    stopped.await.expect("it does not panic");
    let restart = held.manager.send(RestartService("a".into()));
    restart.await.expect("it is there").expect("it can be started again");
    assert_eq!(held.failing.send(Lives).await.expect("it lives"), 3);
    held.hold().await;
    held.start_over().await;
    let removed = actix::spawn(held.manager.send(RemoveService("a".into())));
    held.its_thread_is_idle().await;
    held.release();
    removed.await.expect("it does not panic").expect("it is there").expect("it can be removed");
    held.manager.do_send(StartShutdown);
    let (result, told) = held.end().await;
    result.expect("nothing failed that is not seen to");
    assert_eq!(told[..STARTED_OVER.len()], STARTED_OVER);
    let count = |what: &str| told.iter().filter(|told| *told == what).count();
    // Two of its failures, one by the order.
    assert_eq!((count("restart_started a"), count("stop_started a"), count("service_removed a")), (3, 2, 1));
}

#[actix::test]
async fn g04_a_permit_is_for_one_restart() {
    let mut held = Held::begin(Failing::default(), at_once()).await;
    held.hold().await;
    held.start_over().await;
    held.failing.do_send(Fail::Panic);
    let answer = held.failing.send(Lives);
    let answered = actix::spawn(answer);
    held.its_thread_is_idle().await;
    assert!(!answered.is_finished(), "the manager has not heard of the first");
    held.release();
    assert_eq!(answered.await.expect("it does not panic").expect("it lives again"), 3);
    held.manager.do_send(StartShutdown);
    let (result, told) = held.end().await;
    result.expect("failures that a restart sees to are none of the manager's");
    assert_eq!(told.iter().filter(|told| *told == "restart_started a").count(), 2, "{told:#?}");
}

#[actix::test]
async fn g04_restarts_by_permit_count_in_the_budget_of_all() {
    let policy = at_once().max_restarts(2).within(Duration::from_secs(3600));
    let mut held = Held::begin(Failing::default(), policy).await;
    for life in 1..=2 {
        held.hold().await;
        held.start_over().await;
        held.release();
        // Once it is heard of, there may be another.
        held.told("restart_finished a: ok", life).await;
    }
    held.failing.do_send(Fail::Panic);
    let (result, told) = held.end().await;
    assert!(result.is_err(), "one failure too many");
    let starts: Vec<_> = told.iter().filter(|told| *told == "restart_started a").collect();
    assert_eq!(starts.len(), 2, "{told:#?}");
}

/// Has it fail while its manager is held up, until which it does not begin anew; what was told.
async fn waits_for_its_manager(mut held: Held, fails: impl IntoIterator<Item = Fail>) -> Vec<String> {
    held.hold().await;
    for fail in fails {
        held.failing.do_send(fail);
        held.its_thread_is_idle().await;
    }
    let answered = actix::spawn(held.failing.send(Lives));
    held.its_thread_is_idle().await;
    assert!(!answered.is_finished(), "nobody has permitted it to begin anew");
    held.release();
    let lives = answered.await.expect("it does not panic").expect("it lives again");
    held.manager.do_send(ForceShutdown);
    let told = held.end().await.1;
    assert_eq!(lives, 2, "{told:#?}");
    told
}

#[actix::test]
async fn g04_who_has_resources_or_dependents_or_a_delay_asks_its_manager() {
    let with_resource = Failing::default().with_resource();
    waits_for_its_manager(Held::begin(with_resource, at_once()).await, [Fail::Panic]).await;
    let follows = || ServiceSpec::new(Failing::named("b")).restart(at_once()).depends_on("a");
    let needed = Held::begin_with(Failing::default(), at_once(), |manager| manager.service(follows())).await;
    waits_for_its_manager(needed, [Fail::Panic]).await;
    let needed = Held::begin(Failing::default(), at_once()).await;
    needed.manager.send(AddService::new(follows())).await.expect("it is there").expect("it can be added");
    waits_for_its_manager(needed, [Fail::Panic]).await;
    let millisecond = Duration::from_millis(1);
    let delayed = at_once().backoff(millisecond, millisecond);
    waits_for_its_manager(Held::begin(Failing::default(), delayed).await, [Fail::Panic]).await;
}

#[actix::test]
async fn g26_who_began_anew_before_a_reload_was_asked_for_is_set_up_before_it_prepares() {
    let mut held = Held::begin(Failing::default(), at_once()).await;
    held.hold_and(|shell| drop(shell.reload())).await;
    held.start_over().await;
    held.release();
    held.told("reload_finished: ok", 1).await;
    // By then it is permitted again.
    held.hold().await;
    held.start_over().await;
    held.manager.do_send(StartShutdown);
    let (result, told) = held.end().await;
    result.expect("nothing failed that is not seen to");
    assert_eq!(told[..STARTED_OVER.len()], STARTED_OVER);
    let place = |what: &str| told.iter().position(|told| told == what);
    let order = ["setup_started a", "reload_started", "setup_finished a: ok", "reload_finished: ok"];
    assert!(order.map(place).is_sorted() && place(order[0]).is_some(), "{told:#?}");
}

#[actix::test]
async fn g26_who_prepares_a_reload_asks_its_manager() {
    let mut held = Held::begin(Failing::default().that_prepares_for_ever(), at_once()).await;
    held.manager.do_send(Reload);
    held.told("reload_started", 1).await;
    let told = waits_for_its_manager(held, [Fail::Panic]).await;
    assert!(told.iter().any(|told| told.starts_with("reload_failed a")), "{told:#?}");
}

#[actix::test]
async fn g04_what_an_actor_told_before_it_failed_is_heard_before_that() {
    let held = Held::begin(Failing::default(), at_once()).await;
    let told = waits_for_its_manager(held, [Fail::Task, Fail::Panic]).await;
    let (panicked, failed) = (
        told.iter().position(|told| told.starts_with("panicked a")),
        told.iter().position(|told| told.starts_with("run_finished a")),
    );
    assert!(panicked.is_some() && panicked < failed, "{told:#?}");
}
