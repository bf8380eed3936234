//! `Recorder` and `Gate`: what a test waits for and asserts, and the messages where it was otherwise.

use majordomo::events::LifecycleEvent;
use majordomo::testing::{
    Behaviour, ManagerSuite, Recorder, ResourceScript, RestartScript, RestartWord, RunBehaviour,
    ServiceScript,
};
use majordomo::{Manager, WaitUntilRunning};
use support::kit::{assert_tells, async_failure, failure};
use support::{Gate, ms, options, within};

/// A record of two services that came and went.
async fn record() -> Recorder {
    let manager = Manager::new(options())
        .service(ServiceScript::new("db").resource(ResourceScript::new("pool")))
        .service(ServiceScript::new("api").depends_on("db"));
    let suite = ManagerSuite::start(manager).await;
    let recorder = suite.recorder().clone();
    suite.shutdown().await;
    recorder
}

#[actix::test]
async fn events_are_found_by_their_lines_and_the_beginnings_of_these() {
    let recorder = record().await;
    assert_eq!(recorder.count("setup_finished"), 2);
    assert_eq!(recorder.count("setup_finished db"), 1);
    assert_eq!(recorder.count("setup_finished db: ok"), 1);
    assert_eq!(recorder.count("setup_finished d"), 0, "a beginning ends where a word does");
    assert_eq!(recorder.count("release_started db"), 0, "a resource is not its service");
    let moment = recorder.event("release_started db/pool");
    assert!(
        matches!(moment.event(), LifecycleEvent::ReleaseStarted { resource, .. } if &**resource == "pool")
    );
    assert_eq!(recorder.events()[moment.place()].at, moment.at());
    assert_eq!(recorder.first("setup_finished").place(), recorder.event("setup_finished db").place());
    assert_eq!(recorder.last("setup_finished").place(), recorder.event("setup_finished api").place());
    assert!(recorder.since_asked("stopped") <= recorder.at("stopped"));
    assert!(recorder.to_string().lines().last().unwrap().ends_with("stopped"));
}

#[actix::test]
async fn orders_that_were_kept_pass() {
    let recorder = record().await;
    let asked = recorder.event("shutdown_started db");
    recorder.event("run_finished api").before(&asked).after(&recorder.event("running"));
    recorder.assert_before("setup_finished db", "setup_started api");
    recorder.assert_in_order(&["setup_finished db", "running", "release_finished db/pool: ok", "stopped"]);
    recorder.assert_all_before("run_finished", "release_started");
    recorder.assert_none("panicked");
}

#[actix::test]
async fn orders_that_were_not_kept_tell_both_moments_and_the_events() {
    let recorder = record().await;
    let wanted = [
        "expected: \"stopped\" before \"running\"",
        "happened: \"running\" at ",
        ", and then \"stopped\" at ",
        "latest events:",
        "setup_started db",
    ];
    assert_tells(&failure(|| recorder.assert_before("stopped", "running")), &wanted);
    assert_tells(&failure(|| recorder.event("running").after(&recorder.event("stopped")).at()), &wanted);
    assert_tells(&failure(|| recorder.assert_in_order(&["setup_started db", "stopped", "running"])), &wanted);
    let message = failure(|| recorder.assert_all_before("setup_finished", "setup_started"));
    assert_tells(&message, &["\"setup_finished api: ok\" before \"setup_started db\""]);
    let same = failure(|| recorder.assert_before("running", "running"));
    assert_tells(&same, &["expected: \"running\" before \"running\""]);
}

#[actix::test]
async fn events_that_are_missing_or_too_many_are_told() {
    let recorder = record().await;
    assert_tells(
        &failure(|| recorder.event("panicked")),
        &["expected: \"panicked\", once", "it did not happen"],
    );
    assert_tells(
        &failure(|| recorder.event("run_started")),
        &["\"run_started\", once", "it happened 2 times"],
    );
    assert_tells(&failure(|| recorder.first("serving")), &["expected: \"serving\"", "it did not happen"]);
    assert_tells(&failure(|| recorder.last("serving")), &["expected: \"serving\"", "it did not happen"]);
    assert_tells(&failure(|| recorder.assert_none("running")), &["no \"running\"", "\"running\" at "]);
    let other = record().await;
    let message = failure(|| recorder.event("running").before(&other.event("stopped")).at());
    assert_tells(&message, &["different records"]);
    assert_tells(&failure(|| Recorder::new().event("running")), &["no events are known"]);
}

#[actix::test]
async fn an_event_is_waited_for_and_whoever_waits_in_vain_is_told() {
    let gate = Gate::named("the run of a");
    let manager = Manager::new(options()).service(ServiceScript::new("a").run_gate(&gate));
    let suite = ManagerSuite::start(manager).await;
    let recorder = suite.recorder().clone();
    assert_eq!(recorder.wait_for("running").await.place(), recorder.event("running").place());
    let message = async_failure(recorder.wait_within(ms(20), "run_finished a", 1)).await;
    assert_tells(
        &message,
        &["expected: \"run_finished a\" within 20ms", "it did not happen until then", "run_started a"],
    );
    let message = async_failure(recorder.wait_within(ms(20), "running", 2)).await;
    assert_tells(&message, &["\"running\", 2 times, within 20ms", "it happened once until then"]);

    let waits = recorder.wait_for("run_finished a: ok");
    let opens = async {
        gate.arrived().await;
        gate.open();
        suite.shutdown().await;
    };
    let (moment, ()) = futures_util::future::join(waits, opens).await;
    moment.before(&recorder.event("stopped"));
    let message = async_failure(recorder.wait_for("panicked")).await;
    assert_tells(&message, &["the manager stopped without it", "stopped"]);
}

#[actix::test]
async fn a_restart_is_waited_for_by_its_count() {
    let restart = RestartScript { policy: RestartWord::OnFailure, backoff_ms: 0, ..RestartScript::default() };
    let gate = Gate::named("the failure of a");
    let script = ServiceScript::new("a").run_gate(&gate).run(Behaviour::Error).restart(restart);
    let suite = ManagerSuite::start(Manager::new(options()).service(script)).await;
    for life in 1..=2 {
        gate.arrived().await;
        assert_eq!(suite.recorder().count("run_finished a: error"), life - 1);
        gate.step();
        suite.recorder().wait_for_times("restart_finished a: ok", life).await;
    }
    gate.arrived().await;
    suite.manager().do_send(majordomo::ForceShutdown);
    assert_eq!(suite.ended().await.unwrap_err().exit_code(), 3);
}

#[actix::test]
async fn a_recorder_that_is_attached_late_has_what_came_before() {
    let manager = Manager::new(options()).service(ServiceScript::new("a")).start();
    within("the run", manager.send(WaitUntilRunning)).await.unwrap().unwrap();
    let recorder = Recorder::attach(&manager);
    recorder.event("running");
    manager.do_send(majordomo::StartShutdown);
    recorder.wait_for("stopped").await;
    recorder.assert_in_order(&["setup_started a", "running", "shutdown_requested", "stopped"]);
    let result = within("the end", manager.send(majordomo::WaitForShutdown)).await.unwrap();
    result.unwrap();
    assert_eq!(Recorder::attach(&manager).count("stopped"), 1, "its end is known, too");
}

#[actix::test]
async fn a_gate_lets_through_one_by_one_and_then_all() {
    let gate = Gate::named("g");
    let pass = |gate: &Gate| {
        let gate = gate.clone();
        actix_rt::spawn(async move { gate.passed().await })
    };
    let first = pass(&gate);
    gate.arrived().await;
    let second = pass(&gate);
    gate.step();
    gate.arrived().await; // the other one
    assert_eq!(gate.waiting(), 1);
    gate.open();
    within("both", futures_util::future::join(first, second)).await.0.unwrap();
    within("a third", pass(&gate)).await.unwrap();
    assert!(gate.is_open());
    assert_eq!(gate.waiting(), 0);
}

#[actix::test]
async fn a_step_may_be_made_before_anybody_comes() {
    let gate = Gate::new();
    gate.step();
    within("the first", gate.passed()).await;
    assert!(tokio::time::timeout(ms(10), gate.passed()).await.is_err(), "the next one has to wait");
}

#[actix::test]
async fn who_is_dropped_at_a_gate_has_not_arrived() {
    let gate = Gate::named("the door");
    assert!(tokio::time::timeout(ms(5), gate.passed()).await.is_err());
    let message = async_failure(gate.arrived_within(ms(5))).await;
    assert_tells(
        &message,
        &["expected: somebody arrives at Gate(\"the door\", closed", "nobody did within 5ms"],
    );
}

#[actix::test]
async fn a_gate_is_opened_by_the_drop_of_its_guard() {
    let gate = Gate::new();
    let guard = gate.on_drop();
    assert!(!gate.is_open());
    drop(guard);
    assert!(gate.is_open());
}

/// Every behaviour does behind a gate what it does without one, and nothing before.
#[actix::test]
async fn every_behaviour_waits_for_its_gate() {
    let cases: [(Behaviour, &str); 6] = [
        (Behaviour::Ok, "ok"),
        (Behaviour::Error, "error"),
        (Behaviour::Panic, "panic"),
        (Behaviour::AsyncPanic, "panic"),
        (Behaviour::Slow(ms(1)), "ok"),
        (Behaviour::Block(ms(1)), "ok"),
    ];
    for (behaviour, outcome) in cases {
        for gated in [false, true] {
            let gate = Gate::named(format!("{behaviour:?}"));
            let pool = ResourceScript::new("r").release(behaviour);
            let (setup, release) = if gated {
                (
                    ServiceScript::new("a").setup(behaviour).setup_gate(&gate),
                    ServiceScript::new("b").resource(pool.release_gate(&gate)),
                )
            } else {
                (ServiceScript::new("a").setup(behaviour), ServiceScript::new("b").resource(pool))
            };
            let suite = ManagerSuite::launch(Manager::new(options()).service(setup).service(release));
            let recorder = suite.recorder().clone();
            if gated {
                gate.arrived().await;
                recorder.assert_none("setup_finished a");
                gate.step();
            }
            recorder.wait_for("setup_finished a").await;
            suite.manager().do_send(majordomo::StartShutdown);
            if gated {
                gate.arrived().await;
                recorder.assert_none("release_finished b/r");
                gate.step();
            }
            let _ = within("the end", suite.ended()).await;
            for what in ["setup_finished a", "release_finished b/r"] {
                let line = recorder.event(what).event().to_string();
                let panics = outcome == "ended" && line.starts_with(&format!("{what}: panic"));
                assert!(
                    line.starts_with(&format!("{what}: {outcome}")) || panics,
                    "{behaviour:?}, {gated}: {line}"
                );
            }
        }
    }
}

#[actix::test]
async fn a_run_and_a_shutdown_wait_for_their_gates() {
    let (run, shutdown) = (Gate::named("run"), Gate::named("shutdown"));
    let script = ServiceScript::new("a").run_gate(&run).shutdown_gate(&shutdown);
    let suite = ManagerSuite::start(Manager::new(options()).service(script)).await;
    run.arrived().await;
    suite.manager().do_send(majordomo::StartShutdown);
    shutdown.arrived().await;
    suite.recorder().assert_none("run_finished a");
    suite.recorder().assert_none("shutdown_finished a");
    shutdown.open();
    suite.recorder().wait_for("shutdown_finished a: ok").await;
    suite.recorder().assert_none("run_finished a");
    run.open();
    suite.shutdown().await;
}

#[actix::test]
async fn a_resource_dies_when_its_gate_is_opened() {
    let gate = Gate::named("the death of pool");
    let pool = ResourceScript::new("pool").dies_at(&gate);
    let script = ServiceScript::new("a").run(RunBehaviour::UntilShutdown).resource(pool);
    let suite = ManagerSuite::start(Manager::new(options()).service(script)).await;
    gate.arrived().await;
    suite.recorder().assert_none("resource_lost");
    gate.open();
    suite.recorder().wait_for("resource_lost a/pool: panic").await;
    assert_eq!(within("the end", suite.ended()).await.unwrap_err().exit_code(), 2);
}
