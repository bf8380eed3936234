//! G5 and G13: why a shutdown began, and who is told.

use super::stopping::assert_not_running;
use majordomo::{Stage, StartShutdown, WaitForShutdown, WaitUntilRunning};
use std::future::ready;
use support::{Call, Gate, Journal, Probe, observe, options, within};

#[actix::test]
async fn g05_the_first_cause_is_kept_and_a_later_failure_is_told_beside_it() {
    let journal = Journal::default();
    let gate = Gate::default();
    let service = {
        let gate = gate.clone();
        Probe::new("a", &journal).run(|_| async move {
            gate.passed().await;
            Err("could not flush".into())
        })
    };
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    observed.seen("shutdown_requested: StartShutdown").await;
    gate.open();
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    assert_eq!(ended.cause(), "StartShutdown");
    assert_eq!(ended.error().report().cause, ended.report().cause);
    assert_eq!(ended.events.count("shutdown_requested"), 1, "{}", ended.events);
}

#[actix::test]
async fn g05_a_failure_stays_the_cause_when_shutdown_is_asked_afterwards() {
    let journal = Journal::default();
    let gate = Gate::default();
    let slow = {
        let gate = gate.clone();
        Probe::new("slow", &journal).run(|_| async move {
            gate.passed().await;
            Ok(())
        })
    };
    let fails = Probe::new("fails", &journal).run(|_| ready(Err("the disk is full".into())));
    let mut observed = observe(options(), |manager| manager.service(slow).service(fails));
    observed.seen("shutdown_requested").await;
    observed.manager.send(StartShutdown).await.unwrap();
    gate.open();
    let ended = observed.ended().await;
    ended.assert_exit_code(2);
    assert_eq!(ended.cause(), "failure of fails");
}

#[actix::test]
async fn g05_the_status_says_while_stopping_who_asked_and_who_is_left() {
    let journal = Journal::default();
    let gate = Gate::default();
    let slow = {
        let gate = gate.clone();
        Probe::new("slow", &journal).run(|_| async move {
            gate.passed().await;
            Ok(())
        })
    };
    let mut observed =
        observe(options(), |manager| manager.service(slow).service(Probe::new("quick", &journal)));
    observed.running().await;
    assert!(observed.status().await.report.is_none(), "nobody has asked yet");
    observed.shut_down();
    observed.seen("run_finished quick: ok").await;
    observed.seen("shutdown_finished quick: ok").await;
    observed.seen("shutdown_finished slow: ok").await;
    let status = observed.status().await;
    assert_eq!(status.stage, Stage::Stopping);
    let report = status.report.as_ref().expect("a shutdown goes on");
    assert_eq!(report.cause.as_ref().unwrap().to_string(), "StartShutdown");
    let state = |id: &str| status.services.iter().find(|s| &*s.id == id).unwrap().state.clone();
    assert!(state("slow").contains("running"), "{status}");
    assert!(state("quick").contains("ok"), "{status}");
    assert!(status.to_string().contains("shutdown asked by StartShutdown"), "{status}");
    gate.open();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.status.stage, Stage::Stopped);
    assert!(ended.report().took.is_some() && ended.report().asked_at.is_some());
}

#[actix::test]
async fn g13_everybody_who_waits_is_answered_whenever_they_asked() {
    let journal = Journal::default();
    let mut observed = observe(options(), |manager| manager.service(Probe::new("a", &journal)));
    let manager = observed.manager.clone();
    let early = (manager.send(WaitForShutdown), manager.send(WaitUntilRunning));
    observed.running().await;
    within("running", early.1).await.unwrap().expect("it runs");
    let midway = manager.send(WaitForShutdown);
    observed.shut_down();
    observed.ended().await.assert_ok();
    within("the end", early.0).await.unwrap().unwrap();
    within("the end", midway).await.unwrap().unwrap();
    within("the end", manager.send(WaitForShutdown)).await.unwrap().unwrap();
    assert_not_running(within("an answer", manager.send(WaitUntilRunning)).await.unwrap());
}

#[actix::test]
async fn g13_dropping_the_last_address_does_not_stop_a_manager_that_runs() {
    let journal = Journal::default();
    let gate = Gate::default();
    let (service, address) = {
        let gate = gate.clone();
        Probe::new("a", &journal).run(|_| async move {
            gate.passed().await;
            Ok(())
        })
    }
    .with_address();
    let (sender, mut events) = majordomo::events::channel();
    drop(majordomo::Manager::new(options().observe(sender)).service(service).start());
    let address = within("the service", address).await.unwrap();
    address.send(Call::now(|_| {})).await.expect("the service is looked after");
    gate.open();
    let mut last = None;
    while let Some(event) = within("the next event", events.recv()).await {
        last = Some(event);
    }
    let last = last.expect("there were events");
    assert!(matches!(last.event, majordomo::events::LifecycleEvent::Stopped), "{last:?}");
}
