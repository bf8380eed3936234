//! G4: what a main loop's end means, well or badly; and G11, as far as it concerns services that run.

use std::future::ready;

use actix::prelude::*;
use majordomo::testing::paused;
use majordomo::{
    Hold, Manager, NoAnswerError, Outcome, Run, Stage, StageError, WaitUntilRunning, service_fn,
};
use support::{
    Answer, Call, Ended, Gate, Journal, Probe, error_of, forced_of, ms, never, observe, observe_paused,
    options, panic_of, whos,
};

/// Runs a service that fails once everybody runs, beside a good one, and checks what every failure has in
/// common.
async fn failing(journal: &Journal, failing: impl FnOnce(Probe, Gate) -> Probe) -> Ended {
    let gate = Gate::default();
    let service = failing(Probe::new("fails", journal), gate.clone());
    let observed =
        observe(options(), |manager| manager.service(service).service(Probe::new("good", journal)));
    observed.running().await;
    gate.open();
    let ended = observed.ended().await;

    ended.assert_exit_code(2);
    assert_eq!(whos(ended.run_errors().errors()), ["fails (run)"], "{}", ended.events);
    assert!(ended.error().setup().is_none() && ended.error().shutdown().is_none(), "{}", ended.error());
    assert_eq!(ended.cause(), "failure of fails");
    ended.events.assert_in_order(&[
        "running",
        "run_finished fails",
        "shutdown_requested: failure of fails",
        "shutdown_started good",
        "run_finished good: ok",
        "stopped",
    ]);
    assert_eq!(journal.count("good: shutdown"), 1, "{:#?}", journal.entries());
    assert_eq!(journal.count("fails: shutdown"), 0, "its run is over: there is nothing left to shut down");
    assert_eq!(ended.service("good").run.as_ref().unwrap().outcome, Some(Outcome::Ok));
    ended
}

#[actix::test]
async fn g04_a_run_that_errs_starts_the_shutdown() {
    let journal = Journal::default();
    let ended = failing(&journal, |probe, gate| {
        probe.run(|_| async move {
            gate.passed().await;
            Err("the disk is full".into())
        })
    })
    .await;
    let errors = ended.run_errors();
    assert_eq!(errors.errors()[0].source.to_string(), "the disk is full");
    assert!(ended.error().to_string().contains("fails (run): the disk is full"), "{}", ended.error());
}

#[actix::test]
async fn g04_a_run_that_panics_in_its_future_starts_the_shutdown() {
    let journal = Journal::default();
    let ended = failing(&journal, |probe, gate| {
        probe.run(|_| async move {
            gate.passed().await;
            panic!("out of cheese")
        })
    })
    .await;
    let panic = panic_of(&ended.run_errors().errors()[0]);
    assert_eq!(panic.message, "out of cheese");
    assert!(panic.location.contains("run.rs"), "{}", panic.location);
}

#[actix::test]
async fn g04_a_run_that_panics_in_its_handler_starts_the_shutdown() {
    let journal = Journal::default();
    let service = Probe::new("fails", &journal).run_at_once(|_, _| panic!("out of cheese"));
    let ended = observe(options(), |manager| manager.service(service).service(Probe::new("good", &journal)));
    let ended = ended.ended().await;
    ended.assert_exit_code(2);
    let errors = ended.run_errors();
    assert_eq!(whos(errors.errors()), ["fails (run)"], "{}", ended.events);
    assert_eq!(panic_of(&errors.errors()[0]).message, "out of cheese");
    ended.events.event("run_finished fails: panic");
    ended.events.event("run_finished good: ok");
    assert_eq!(journal.count("good: shutdown"), 1, "{:#?}", journal.entries());
}

#[actix::test]
async fn g04_a_service_that_stops_itself_while_it_runs_has_failed() {
    let journal = Journal::default();
    let (service, address) = Probe::new("fails", &journal).run(|_| never()).with_address();
    let observed =
        observe(options(), |manager| manager.service(service).service(Probe::new("good", &journal)));
    observed.running().await;
    // An actor that stops throws its answers away.
    let _ = address.await.unwrap().send(Call::now(|ctx| ctx.stop())).await;
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    let errors = ended.run_errors();
    assert_eq!(whos(errors.errors()), ["fails (run)"], "{}", ended.events);
    assert!(errors.errors()[0].source.is::<NoAnswerError>(), "{errors}");
    ended.events.event("run_finished fails: ended");
}

#[actix::test]
async fn g04_an_error_of_a_run_is_what_run_returns() {
    let broken = service_fn("broken", |_: Run| ready(Err("the disk is full".into())));
    let error = Manager::new(options()).service(broken).run().await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let Some(StageError::Services(errors)) = error.run() else { panic!("{error}") };
    assert_eq!(whos(errors.errors()), ["broken (run)"]);
    assert!(error.setup().is_none() && error.shutdown().is_none(), "{error}");
}

#[actix::test]
async fn g04_a_run_that_returns_ok_ends_its_service_alone() {
    let journal = Journal::default();
    let (brief, address) = Probe::new("brief", &journal).run(|_| ready(Ok(()))).with_address();
    let pool = Probe::resource("long", "pool", &journal);
    let long = Probe::new("long", &journal).with_resources(vec![pool]);
    let mut observed = observe(options(), |manager| manager.service(brief).service(long));
    observed.running().await;
    observed.seen("run_finished brief: ok").await;

    let status = observed.status().await;
    assert_eq!(status.stage, Stage::Running);
    assert!(status.report.is_none(), "nothing asked for a shutdown: {status}");
    let address = address.await.unwrap();
    address.send(Call::now(|_| {})).await.expect("its actor still answers");
    let running = observed.manager.send(WaitUntilRunning).await.unwrap();
    running.expect("the manager runs");
    assert_eq!(journal.whose("shutdown"), [""; 0]);

    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.cause(), "StartShutdown");
    assert_eq!(journal.whose("shutdown"), ["long"], "who has ended is not asked to");
    ended.events.assert_before("run_finished brief: ok", "shutdown_requested");
    assert!(address.send(Call::now(|_| {})).await.is_err(), "the actor has gone with the manager");
}

#[actix::test]
async fn g04_when_every_run_has_returned_ok_the_manager_ends_by_itself() {
    let journal = Journal::default();
    let gates = [Gate::default(), Gate::default()];
    let until = |id: &str, gate: &Gate| {
        let gate = gate.clone();
        let pool = Probe::resource(if id == "a" { "a" } else { "b" }, "pool", &journal);
        Probe::new(id, &journal).with_resources(vec![pool]).run(|_| async move {
            gate.passed().await;
            Ok(())
        })
    };
    let mut observed =
        observe(options(), |manager| manager.service(until("a", &gates[0])).service(until("b", &gates[1])));
    observed.running().await;
    gates[0].open();
    observed.seen("run_finished a: ok").await;
    assert_eq!(observed.status().await.stage, Stage::Running);
    assert_eq!(journal.whose("release"), [""; 0], "b still runs");
    gates[1].open();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.cause(), "every main loop returned");
    ended.events.assert_before("run_finished b: ok", "shutdown_requested");
    assert_eq!(journal.whose("shutdown"), [""; 0]);
    assert_eq!(journal.whose("release").len(), 2);
}

#[actix::test]
async fn g04_runs_that_return_at_once_have_run_all_the_same() {
    let brief = |id| service_fn(id, |_: Run| ready(Ok(())));
    let observed = observe(options(), |manager| manager.service(brief("a")).service(brief("b")));
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_in_order(&["running", "run_finished a: ok"]);
    ended.events.assert_before("running", "shutdown_requested");
}

#[actix::test]
async fn g04_every_run_that_fails_is_named_also_after_the_first() {
    let journal = Journal::default();
    let fails_too = Probe::new("second", &journal).run(|run| async move {
        run.shutdown.requested().await;
        Err("me too".into())
    });
    let fails = Probe::new("first", &journal).run(|_| ready(Err("the disk is full".into())));
    let ended = observe(options(), |manager| manager.service(fails_too).service(fails)).ended().await;
    ended.assert_exit_code(2);
    assert_eq!(whos(ended.run_errors().errors()), ["first (run)", "second (run)"]);
    assert_eq!(ended.cause(), "failure of first");
}

#[test]
fn g04_an_error_of_a_run_is_kept_when_another_service_has_to_be_forced() {
    paused(|| async {
        let journal = Journal::default();
        let fails = Probe::new("fails", &journal).run(|_| ready(Err("the disk is full".into())));
        let hangs = Probe::new("hangs", &journal).run(|_| never());
        let limits = options().max_shutdown_duration(ms(1000)).release_reserve(ms(100));
        let ended = observe_paused(limits, |manager| manager.service(fails).service(hangs)).ended().await;
        ended.assert_exit_code(3);
        assert_eq!(whos(ended.run_errors().errors()), ["fails (run)"], "{}", ended.events);
        assert_eq!(whos(ended.shutdown_errors().errors()), ["hangs (run)"], "{}", ended.events);
        let forced = forced_of(&ended.shutdown_errors().errors()[0]);
        assert!(matches!(forced.hold, Hold::WentOn { asked } if asked == ms(900)), "{forced}");
        assert_eq!(ended.cause(), "failure of fails");
        let text = ended.error().to_string();
        for word in ["run: ", "fails (run): the disk is full", "shutdown: ", "hangs (run): forced after"] {
            assert!(text.contains(word), "expected {word:?} in: {text}");
        }
    });
}

#[actix::test]
async fn g04_an_error_of_a_run_that_ends_during_the_shutdown_is_kept() {
    let journal = Journal::default();
    let service = Probe::new("a", &journal).run(|run| async move {
        run.shutdown.requested().await;
        Err("could not flush".into())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    assert_eq!(whos(ended.run_errors().errors()), ["a (run)"]);
    assert_eq!(ended.cause(), "StartShutdown");
}

#[actix::test]
async fn g15_a_shutdown_that_is_answered_with_an_error_or_a_panic_fails_the_shutdown() {
    type Answers = fn() -> Answer;
    let answers: [(&str, Answers); 2] =
        [("error", || Err("could not say goodbye".into())), ("panic", || panic!("no goodbye"))];
    for (outcome, answer) in answers {
        let journal = Journal::default();
        let service = Probe::new("a", &journal).shutdown(move |_| async move { answer() });
        let mut observed = observe(options(), |manager| manager.service(service));
        observed.running().await;
        observed.shut_down();
        let ended = observed.ended().await;
        ended.assert_exit_code(3);
        assert_eq!(whos(ended.shutdown_errors().errors()), ["a (shutdown)"], "{}", ended.events);
        assert!(ended.error().run().is_none(), "{}", ended.error());
        ended.events.event(&format!("shutdown_finished a: {outcome}"));
        ended.events.event("run_finished a: ok");
        assert!(!ended.report().forced);
    }
}

#[actix::test]
async fn g11_a_panic_in_any_other_message_fails_its_service_and_ends_no_other_actor() {
    type Panics = fn() -> Call;
    let panics: [Panics; 2] =
        [|| Call::now(|_| panic!("in a handler")), || Call::later(|| async { panic!("in a future") })];
    for call in panics {
        let journal = Journal::default();
        let (service, address) = Probe::new("fails", &journal).with_address();
        let gate = Gate::default();
        let (good, good_address) = {
            let gate = gate.clone();
            Probe::new("good", &journal).shutdown(|_| async move {
                gate.passed().await;
                Ok(())
            })
        }
        .with_address();
        // They share a thread.
        let mut observed = observe(options().service_threads(1), |m| m.service(service).service(good));
        observed.running().await;
        assert!(address.await.unwrap().send(call()).await.is_err(), "a panic is no answer");
        observed.seen("shutdown_started good").await;
        good_address.await.unwrap().send(Call::now(|_| {})).await.expect("another actor is unharmed");
        gate.open();
        let ended = observed.ended().await;
        ended.assert_exit_code(2);
        let errors = ended.run_errors();
        assert!(errors.errors().iter().all(|error| error.service_id == "fails"), "{errors}");
        let panics: Vec<_> =
            errors.errors().iter().filter_map(|e| e.source.downcast_ref::<majordomo::PanicError>()).collect();
        assert_eq!(panics.len(), 1, "the one panic is told once: {errors}");
        assert!(panics[0].message.starts_with("in a "), "{}", panics[0]);
        assert!(panics[0].location.contains("run.rs"), "{}", panics[0]);
        assert_eq!(ended.cause(), "failure of fails");
        ended.events.event("run_finished good: ok");
    }
}

#[actix::test]
async fn g11_a_panic_in_a_spawned_task_fails_its_service() {
    let journal = Journal::default();
    let (service, address) = Probe::new("fails", &journal).with_address();
    let observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    let spawn = Call::now(|_| drop(actix::spawn(async { panic!("in a task") })));
    address.await.unwrap().send(spawn).await.unwrap();
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    let error = error_of(ended.run_errors(), "fails (handler)");
    assert_eq!(panic_of(error).message, "in a task");
}
