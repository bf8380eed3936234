//! G21: a shutdown that is asked before all run. Who is being set up is told by its signal, and what ends because of that is
//! cancelled, not failed.

use std::net::TcpListener;

use majordomo::{
    AddService, Manager, ManagerOptions, OrderError, Outcome, ResourceEnding, StageError, WaitUntilRunning,
    nested,
};
use support::{Gate, Journal, Observed, Probe, never, observe, options, within};

/// A probe whose set-up waits for its signal, and then answers so.
fn patient(id: &str, journal: &Journal, answer: Result<(), &'static str>) -> Probe {
    Probe::new(id, journal).setup(move |setup| async move {
        setup.shutdown.requested().await;
        answer.map_err(Into::into)
    })
}

async fn shut_down_in_set_up(mut observed: Observed, journal: &Journal, id: &str) -> support::Ended {
    journal.until(&format!("{id}: setup"), 1).await;
    observed.shut_down();
    observed.ended().await
}

#[actix::test]
async fn g21_a_set_up_that_errs_when_it_is_told_to_stop_is_cancelled_and_the_end_is_clean() {
    let journal = Journal::default();
    let waits = patient("waits", &journal, Err("no database yet"));
    let good = Probe::new("good", &journal).with_resources(vec![Probe::resource("good", "pool", &journal)]);
    let mut observed = observe(options(), |manager| manager.service(good).service(waits));
    observed.seen("setup_finished good: ok").await;
    let running = observed.manager.send(WaitUntilRunning);
    let ended = shut_down_in_set_up(observed, &journal, "waits").await;
    ended.assert_ok();
    assert!(!ended.report().forced);
    let step = ended.service("waits").setup.clone().unwrap();
    assert!(step.cancelled && step.outcome == Some(Outcome::Error), "{step:?}");
    assert!(!ended.service("good").setup.clone().unwrap().cancelled);
    assert_eq!(ended.resource("good", "pool").ending, Some(ResourceEnding::Acknowledged));
    let text = ended.report().to_string();
    assert!(text.contains("waits: cancelled: no database yet"), "{text}");
    assert!(ended.status.to_string().contains("waits: setup cancelled: no database yet"), "{}", ended.status);
    let event = ended.status.history.iter().map(|event| serde_json::to_value(event).unwrap());
    let event =
        event.into_iter().find(|event| event["event"] == "setup_finished" && event["service"] == "waits");
    let event = event.unwrap();
    assert_eq!((&event["outcome"], &event["cancelled"]), (&"error".into(), &true.into()), "{event}");
    let answer = running.await.unwrap().unwrap_err();
    assert!(matches!(answer.setup(), Some(StageError::NotRunning)), "{answer}");
    assert_eq!(journal.whose("run"), [""; 0]);
}

#[actix::test]
async fn g21_a_set_up_that_succeeds_after_it_was_told_to_stop_is_cancelled_too() {
    let journal = Journal::default();
    let observed = observe(options(), |manager| manager.service(patient("waits", &journal, Ok(()))));
    let ended = shut_down_in_set_up(observed, &journal, "waits").await;
    ended.assert_ok();
    assert!(ended.service("waits").setup.as_ref().unwrap().cancelled);
    assert_eq!(journal.whose("run"), [""; 0]);
}

#[actix::test]
async fn g21_what_fails_of_itself_is_a_failure_whenever_shutdown_was_asked() {
    let journal = Journal::default();
    let panics = Probe::new("panics", &journal).setup(|setup| async move {
        setup.shutdown.requested().await;
        panic!("not because of that")
    });
    let observed = observe(options(), |manager| manager.service(panics));
    let ended = shut_down_in_set_up(observed, &journal, "panics").await;
    ended.assert_exit_code(1);
    assert!(!ended.service("panics").setup.as_ref().unwrap().cancelled);

    // One that does not listen is forced: it had been asked, and says so.
    let deaf = Probe::new("deaf", &journal).setup(|_| never());
    let limits = options().max_shutdown_duration(support::ms(1500));
    let observed = observe(limits, |manager| manager.service(deaf));
    let ended = shut_down_in_set_up(observed, &journal, "deaf").await;
    ended.assert_exit_code(3);
    let text = ended.error().to_string();
    assert!(text.contains("of setup: asked to stop") && text.contains("it did not answer"), "{text}");
}

#[actix::test]
async fn g21_after_a_failed_set_up_the_errors_of_others_are_kept() {
    let journal = Journal::default();
    let gate = Gate::default();
    let passed = gate.clone();
    let fails = Probe::new("fails", &journal).setup(|_| async move {
        passed.passed().await;
        Err("no licence".into())
    });
    let waits = patient("waits", &journal, Err("no disk"));
    let observed = observe(options(), |manager| manager.service(fails).service(waits));
    journal.until("waits: setup", 1).await;
    gate.open();
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    assert_eq!(support::whos(ended.setup_errors().errors()), ["fails (setup)", "waits (setup)"]);
}

#[actix::test]
async fn g21_a_registration_that_errs_after_the_request_is_cancelled() {
    let (journal, gate) = (Journal::default(), Gate::default());
    let passed = gate.clone();
    let waits = Probe::new("waits", &journal).register(|_| async move {
        passed.passed().await;
        Err("too late".into())
    });
    let options = options().grpc_server_address("127.0.0.1:0");
    let mut observed = observe(options, |manager| manager.grpc_service(waits));
    journal.until("waits: register", 1).await;
    observed.shut_down();
    observed.seen("shutdown_requested").await;
    gate.open();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(ended.service("waits").register.as_ref().unwrap().cancelled);
}

#[actix::test]
async fn g21_a_port_in_use_has_failed_of_itself_whoever_asks_for_the_end() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let options = ManagerOptions::new().handle_signals(false).grpc_server_address(address.as_str());
    let mut observed = observe(options, |manager| manager);
    observed.seen("setup_started majordomo grpc").await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_exit_code(1);
    let text = ended.error().to_string();
    assert!(text.contains(&address), "{text}");
}

/// A manager in whose drain delay, which outlasts everything, `waits` is being set up.
async fn set_up_beside_a_drain_delay(
    journal: &Journal,
    begin: impl AsyncFnOnce(&mut Observed),
) -> support::Ended {
    let limits = options().drain_delay(support::ms(5000)).max_shutdown_duration(support::ms(20_000));
    let works = Probe::new("works", journal);
    let mut observed = observe(limits, |manager| manager.service(works));
    observed.running().await;
    begin(&mut observed).await;
    observed.shut_down();
    // It is told at once, while all the others go on working.
    observed.seen("setup_finished waits: error: cancelled").await;
    assert_eq!(observed.events().count("shutdown_started works"), 0);
    observed.force();
    observed.ended().await
}

#[actix::test]
async fn g21_an_addition_that_the_shutdown_cancels_is_told_at_once_and_has_not_failed() {
    let journal = Journal::default();
    let mut order = None;
    let ended = set_up_beside_a_drain_delay(&journal, async |observed| {
        let waits = AddService::new(patient("waits", &journal, Err("no database")));
        order = Some(actix::spawn(observed.manager.send(waits)));
        journal.until("waits: setup", 1).await;
    })
    .await;
    let answer = within("the answer to the order", order.unwrap()).await.unwrap().unwrap();
    assert!(matches!(answer, Err(OrderError::Overtaken(_))), "{answer:?}");
    assert!(ended.service("waits").setup.as_ref().unwrap().cancelled);
    let text = ended.error().to_string();
    assert!(!text.contains("waits"), "{text}");
}

#[actix::test]
async fn g21_a_child_that_is_set_up_is_cancelled_with_all_that_it_holds() {
    let journal = Journal::default();
    let inner = journal.clone();
    let child = nested("child", move || {
        Manager::new(ManagerOptions::new()).service(patient("inner", &inner, Err("no database")))
    });
    let observed = observe(options(), |manager| manager.service(child));
    let ended = shut_down_in_set_up(observed, &journal, "inner").await;
    ended.assert_ok();
    assert!(ended.service("child").setup.as_ref().unwrap().cancelled);

    // What is forced in a child has failed, although the child had been told to stop.
    let inner = journal.clone();
    let child = nested("child", move || {
        let deaf = Probe::new("deaf", &inner).setup(|_| never());
        Manager::new(ManagerOptions::new().max_shutdown_duration(support::ms(200))).service(deaf)
    });
    let observed = observe(options(), |manager| manager.service(child));
    let ended = shut_down_in_set_up(observed, &journal, "deaf").await;
    ended.assert_exit_code(3);
}

#[test]
fn g21_a_rehearsed_set_up_and_only_that_waits_until_shutdown() {
    use majordomo::testing::{Behaviour, ServiceScript};
    let read = |json: &str| serde_json::from_str::<ServiceScript>(json);
    let script = read(r#"{"id": "a", "setup": "until_shutdown"}"#).unwrap();
    assert_eq!(script.setup, Behaviour::UntilShutdown);
    assert!(read(r#"{"id": "a", "shutdown": "until_shutdown"}"#).is_err());
    let error = read(r#"{"id": "a", "setup": "soon"}"#).unwrap_err().to_string();
    assert!(error.contains("\"soon\"") && error.contains("until_shutdown, late:MS, ok"), "{error}");
}
