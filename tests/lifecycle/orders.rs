//! Orders to a running manager: add, stop, restart and remove a service.

use actix::Message;
use majordomo::testing::paused;
use majordomo::{
    AddService, Manager, OrderError, RemoveService, RestartPolicy, RestartService, RestartableFn, Run,
    ServiceSpec, StopService, restartable_fn, service_fn,
};
use support::phoenix::{Fail, Phoenix, at_once};
use support::{Gate, Journal, Observed, Probe, ms, observe, observe_paused, options, within};

async fn order<M>(observed: &Observed, order: M) -> Result<(), OrderError>
where
    M: Message<Result = Result<(), OrderError>> + Send + 'static,
    Manager: actix::Handler<M>,
{
    within("the answer to an order", observed.manager.send(order)).await.expect("a manager answers")
}

fn phoenix(id: &str, journal: &Journal, on: &[&str]) -> ServiceSpec<Phoenix> {
    let spec = Phoenix::new(id, journal).resources(&["r"]).spec(RestartPolicy::never());
    on.iter().fold(spec, |spec, &on| spec.depends_on(on))
}

/// `api` depends on `db`, and `other` on nobody; all run.
async fn three(journal: &Journal) -> Observed {
    let observed = observe(options(), |manager| {
        manager
            .service(phoenix("db", journal, &[]))
            .service(phoenix("api", journal, &["db"]))
            .service(phoenix("other", journal, &[]))
    });
    observed.running().await;
    for id in ["db", "api", "other"] {
        journal.until(&format!("{id}: run"), 1).await;
    }
    observed
}

#[actix::test]
async fn a_service_is_stopped_with_those_that_depend_on_it_and_comes_back_with_them() {
    let journal = Journal::default();
    let mut observed = three(&journal).await;
    order(&observed, StopService("db".into())).await.unwrap();
    assert_eq!(journal.whose("released"), ["api/r", "db/r"]);
    assert_eq!(journal.whose("shutdown"), ["api", "db"]);
    // Once more changes nothing.
    order(&observed, StopService("db".into())).await.unwrap();
    order(&observed, RestartService("db".into())).await.unwrap();
    journal.until("api: run", 2).await;
    let lives = |id: &str| journal.count(&format!("{id}: setup"));
    assert_eq!(["db", "api", "other"].map(lives), [2, 2, 1]);
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_in_order(&["stop_started db", "restart_started api", "stop_finished db: ok"]);
}

#[actix::test]
async fn a_service_that_runs_is_restarted_gracefully() {
    let journal = Journal::default();
    let mut observed = three(&journal).await;
    order(&observed, RestartService("other".into())).await.unwrap();
    journal.until("other: run", 2).await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    let of = |entry: &&String| entry.starts_with("other");
    let entries: Vec<_> = journal.entries().iter().filter(of).take(8).cloned().collect();
    let whole = ["setup", "run", "shutdown", "task dropped"].map(|what| format!("other: {what}"));
    assert_eq!(support::sorted(&entries[..4]), support::sorted(&whole));
    assert_eq!(entries[4..6], ["other/r: released", "other: restarting"]);
}

#[actix::test]
async fn a_service_is_added_and_removed_and_its_id_is_free_again() {
    let journal = Journal::default();
    let mut observed = three(&journal).await;
    for life in 1..=3 {
        order(&observed, AddService::new(phoenix("new", &journal, &["api"]))).await.unwrap();
        journal.until("new: run", life).await;
        let taken = order(&observed, AddService::new(phoenix("new", &journal, &[]))).await;
        assert!(matches!(taken, Err(OrderError::Id(_))), "{taken:?}");
        let needed = order(&observed, RemoveService("api".into())).await.unwrap_err();
        assert!(needed.to_string().contains("new depend on it"), "{needed}");
        order(&observed, RemoveService("new".into())).await.unwrap();
        assert_eq!(journal.count("new/r: released"), life);
        let gone = order(&observed, StopService("new".into())).await;
        assert!(matches!(gone, Err(OrderError::Unknown(_))), "{gone:?}");
    }
    let status = observed.status().await;
    assert_eq!(status.services.iter().map(|s| &*s.id).collect::<Vec<_>>(), ["db", "api", "other"]);
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn what_cannot_be_set_up_is_taken_back_and_nobody_else_notices() {
    let journal = Journal::default();
    let mut observed = three(&journal).await;
    let failing = Phoenix::new("new", &journal).resources(&["r"]).setups(vec![Err("not today".into())]);
    let error = order(&observed, AddService::new(failing.spec(at_once()))).await.unwrap_err();
    assert!(matches!(error, OrderError::Failed { .. }) && error.to_string().contains("not today"), "{error}");
    assert_eq!(journal.count("new/r: released"), 1);
    order(&observed, AddService::new(phoenix("new", &journal, &[]))).await.unwrap();
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(journal.count("other: setup"), 1);
}

/// One whose set-up answers so, once it is let.
fn gated(id: &str, journal: &Journal, gate: &Gate, answer: Result<(), &'static str>) -> Probe {
    let gate = gate.clone();
    Probe::new(id, journal).setup(move |_| async move {
        gate.passed().await;
        answer.map_err(Into::into)
    })
}

#[actix::test]
async fn what_is_added_to_depend_on_another_that_cannot_be_set_up_is_taken_back_with_it() {
    let (journal, gate) = (Journal::default(), Gate::default());
    let mut observed = three(&journal).await;
    let base = observed.manager.send(AddService::new(gated("base", &journal, &gate, Err("not today"))));
    let upper = observed.manager.send(AddService::new(phoenix("upper", &journal, &["base"])));
    let opens = async {
        journal.until("base: setup", 1).await;
        gate.open();
    };
    let (base, upper, ()) = tokio::join!(base, upper, opens);
    let (base, upper) = (base.unwrap().unwrap_err().to_string(), upper.unwrap().unwrap_err().to_string());
    assert!(base.contains("not today"), "{base}");
    assert!(
        upper.contains("upper") && upper.contains("base, which it depends on, was taken back"),
        "{upper}"
    );
    assert!(upper.contains("not today"), "{upper}");
    assert_eq!(journal.count("upper: setup"), 0);
    // Both ids are free.
    order(&observed, AddService::new(phoenix("base", &journal, &[]))).await.unwrap();
    order(&observed, AddService::new(phoenix("upper", &journal, &["base"]))).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn what_is_stopped_while_it_is_added_is_there_and_can_be_started_later() {
    let (journal, gate) = (Journal::default(), Gate::default());
    let mut observed = three(&journal).await;
    // It waits for one that is not up.
    let base = actix::spawn(observed.manager.send(AddService::new(gated("base", &journal, &gate, Ok(())))));
    journal.until("base: setup", 1).await;
    let upper = actix::spawn(observed.manager.send(AddService::new(phoenix("upper", &journal, &["base"]))));
    order(&observed, StopService("upper".into())).await.unwrap();
    let overtaken = within("the answer", upper).await.unwrap().unwrap();
    assert!(matches!(overtaken, Err(OrderError::Overtaken(_))), "{overtaken:?}");
    gate.open();
    within("the answer", base).await.unwrap().unwrap().unwrap();
    assert_eq!(journal.count("upper: setup"), 0);
    order(&observed, RestartService("upper".into())).await.unwrap();
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn orders_that_cannot_be_carried_out_are_refused_with_a_reason() {
    let journal = Journal::default();
    let fixed = service_fn("fixed", |run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let mut observed = observe(options(), |manager| {
        manager.service(phoenix("db", &journal, &[])).service(ServiceSpec::new(fixed).depends_on("db"))
    });
    observed.running().await;
    let refused = |error: Result<(), OrderError>| error.unwrap_err().to_string();
    assert!(refused(order(&observed, StopService("nobody".into())).await).contains("\"nobody\""));
    assert!(refused(order(&observed, RestartService("fixed".into())).await).contains("actix::Supervised"));
    assert!(refused(order(&observed, StopService("db".into())).await).contains("fixed depend"));
    let unknown = phoenix("x", &journal, &["nowhere"]);
    assert!(refused(order(&observed, AddService::new(unknown)).await).contains("nowhere"));
    // Once its dependent has gone for good, it can be stopped.
    order(&observed, StopService("fixed".into())).await.unwrap();
    order(&observed, StopService("db".into())).await.unwrap();
    observed.shut_down();
    observed.seen("shutdown_requested").await;
    let late = order(&observed, StopService("db".into())).await;
    let ended = observed.ended().await;
    assert!(matches!(late, Err(OrderError::NotRunning(_))), "{late:?}");
    let after = within("the answer", ended.manager.send(RestartService("db".into()))).await;
    assert!(after.is_err() || matches!(after, Ok(Err(OrderError::NotRunning(_)))), "{after:?}");
    ended.assert_ok();
}

#[actix::test]
async fn g13_an_order_that_the_shutdown_overtakes_is_answered() {
    let (journal, gate) = (Journal::default(), Gate::default());
    let held = Phoenix::new("a", &journal).holds(&gate).spec(at_once());
    let mut observed = observe(options(), |manager| manager.service(held));
    observed.running().await;
    journal.until("a: run", 1).await;
    let restart = observed.manager.send(RestartService("a".into()));
    let answer = actix::spawn(restart);
    journal.until("a: setup", 2).await;
    observed.shut_down();
    let answer = within("the answer", answer).await.unwrap().unwrap();
    assert!(matches!(answer, Err(OrderError::Overtaken(_))), "{answer:?}");
    gate.open();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g08_a_stop_that_takes_too_long_is_cut_off_and_told() {
    let journal = Journal::default();
    let hanging = Phoenix::new("a", &journal).ignores_shutdown().spec(at_once()).stop_timeout(ms(50));
    let mut observed =
        observe(options(), |manager| manager.service(hanging).service(phoenix("b", &journal, &[])));
    observed.running().await;
    journal.until("a: run", 1).await;
    let error = order(&observed, StopService("a".into())).await.unwrap_err();
    assert!(matches!(error, OrderError::Forced(_)), "{error}");
    assert_eq!(journal.count("a: task dropped"), 1);
    // It may run again all the same.
    order(&observed, RestartService("a".into())).await.unwrap();
    observed.shut_down();
    observed.force();
    observed.ended().await.assert_exit_code(3);
}

/// Notes how much time it is given once it is asked to stop, in seconds.
fn timed(id: &'static str, journal: &Journal) -> ServiceSpec<RestartableFn> {
    let journal = journal.clone();
    let run = move |run: Run| {
        let journal = journal.clone();
        async move {
            assert_eq!(run.shutdown.deadline(), None);
            run.shutdown.requested().await;
            let now = tokio::time::Instant::now().into_std();
            journal.note(format!("{:?}: {id}", run.shutdown.deadline().map(|at| (at - now).as_secs())));
            Ok(())
        }
    };
    restartable_fn(id, run).into()
}

#[test]
fn g08_a_service_that_restarts_or_stops_alone_is_told_for_how_long() {
    paused(|| async {
        let journal = Journal::default();
        let a = timed("a", &journal).restart(RestartPolicy::on_failure());
        let b = timed("b", &journal).restart(RestartPolicy::on_failure()).stop_timeout(ms(2000));
        let time = options().max_shutdown_duration(ms(60_000)).release_reserve(ms(1000));
        let mut observed = observe_paused(time, |manager| manager.service(a).service(b));
        observed.running().await;
        for id in ["a", "b"] {
            order(&observed, RestartService(id.into())).await.unwrap();
        }
        assert_eq!([journal.count("Some(5): a"), journal.count("Some(2): b")], [1, 1], "{journal:?}");
        observed.shut_down();
        observed.ended().await.assert_ok();
        assert_eq!([journal.count("Some(59): a"), journal.count("Some(2): b")], [1, 2], "{journal:?}");
    });
}

#[actix::test]
async fn a_service_that_was_added_is_restarted_as_any_other() {
    let journal = Journal::default();
    let mut observed = three(&journal).await;
    let (new, addr) = Phoenix::new("new", &journal).addr();
    order(&observed, AddService::new(new.spec(at_once()))).await.unwrap();
    journal.until("new: run", 1).await;
    within("the address", addr).await.unwrap().do_send(Fail::Run);
    observed.seen("restart_finished new: ok").await;
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn services_are_told_in_the_order_in_which_they_were_handed_over() {
    let journal = Journal::default();
    let mut observed = observe(options(), |manager| {
        let abc = ["a", "b", "c"].map(|id| phoenix(id, &journal, &[]));
        abc.into_iter().fold(manager, |manager, spec| manager.service(spec))
    });
    observed.running().await;
    order(&observed, RemoveService("a".into())).await.unwrap();
    order(&observed, AddService::new(phoenix("d", &journal, &[]))).await.unwrap();
    let ids = |status: &majordomo::ManagerStatus| -> Vec<String> {
        status.services.iter().map(|service| service.id.to_string()).collect()
    };
    assert_eq!(ids(&observed.status().await), ["b", "c", "d"]);
    for id in ["b", "c"] {
        order(&observed, RemoveService(id.into())).await.unwrap();
        order(&observed, AddService::new(phoenix(&format!("{id}2"), &journal, &[]))).await.unwrap();
    }
    assert_eq!(ids(&observed.status().await), ["d", "b2", "c2"]);
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    let reported: Vec<_> = ended.report().services.iter().map(|service| service.id.to_string()).collect();
    assert_eq!(
        (reported, ids(&ended.status)),
        (["d", "b2", "c2"].map(String::from).to_vec(), vec!["d".into(), "b2".into(), "c2".into()])
    );
}
