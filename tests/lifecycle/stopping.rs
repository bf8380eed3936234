//! G5: asking for the shutdown, however often and whenever, and what happens then.

use std::future::ready;
use std::sync::Arc;
use std::time::Instant;

use majordomo::testing::paused;
use majordomo::{
    ManagerError, ShutdownSignal, Stage, StageError, StartShutdown, WaitForShutdown, WaitUntilRunning,
};
use support::{Call, Gate, Journal, Probe, ms, observe, observe_paused, options, start_all, within};
use tokio::sync::{Barrier, oneshot};

pub(crate) fn assert_not_running(answer: Result<(), ManagerError>) {
    match answer {
        Err(error) if matches!(error.setup(), Some(StageError::NotRunning)) => {}
        other => panic!("expected that it never ran, got {other:?}"),
    }
}

#[actix::test]
async fn g05_shutdown_may_be_asked_any_number_of_times_and_happens_once() {
    let journal = Journal::default();
    let gate = Gate::default();
    let service = {
        let gate = gate.clone();
        Probe::new("a", &journal).run(|_| async move {
            gate.passed().await;
            Ok(())
        })
    };
    let mut observed =
        observe(options(), |manager| manager.service(service).service(Probe::new("b", &journal)));
    observed.running().await;
    for _ in 0..50 {
        observed.manager.send(StartShutdown).await.unwrap();
    }
    observed.seen("run_finished b: ok").await;
    for _ in 0..50 {
        observed.manager.send(StartShutdown).await.unwrap();
    }
    gate.open();
    let manager = observed.manager.clone();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(ended.events.count("shutdown_requested"), 1, "{}", ended.events);
    for id in ["a", "b"] {
        assert_eq!(journal.count(&format!("{id}: shutdown")), 1, "{:#?}", journal.entries());
    }
    manager.send(StartShutdown).await.expect("asking after the end does no harm");
    manager.send(WaitForShutdown).await.unwrap().expect("and changes nothing");
}

#[actix::test]
async fn g05_shutdown_asked_at_once_lets_set_ups_finish_and_nobody_run() {
    let journal = Journal::default();
    let pool = Probe::resource("a", "pool", &journal);
    let a = Probe::new("a", &journal).with_resources(vec![pool]);
    // However late the request is, it finds this set-up still going on.
    let b = Probe::new("b", &journal).setup(|setup| async move {
        setup.shutdown.requested().await;
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(a).service(b));
    observed.shut_down();
    let manager = observed.manager.clone();
    let running = within("an answer", manager.send(WaitUntilRunning)).await.unwrap();
    assert_not_running(running);
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.event("setup_finished a: ok");
    ended.events.event("setup_finished b: ok");
    ended.events.event("release_finished a/pool: ok");
    ended.events.assert_none("run_started");
    ended.events.assert_none("shutdown_started");
    assert_eq!(journal.whose("run"), [""; 0]);
    assert_eq!(journal.whose("shutdown"), [""; 0]);
}

#[actix::test]
async fn g05_shutdown_during_set_up_awaits_it_and_lets_nobody_run() {
    let journal = Journal::default();
    let gate = Gate::default();
    let slow = {
        let gate = gate.clone();
        let pool = Probe::resource("slow", "pool", &journal);
        Probe::new("slow", &journal).setup(|setup| async move {
            gate.passed().await;
            assert!(setup.shutdown.is_requested(), "a set-up may see that it is in vain");
            start_all(&setup.resources, vec![pool])
        })
    };
    let mut observed =
        observe(options(), |manager| manager.service(Probe::new("quick", &journal)).service(slow));
    observed.seen("setup_finished quick: ok").await;
    observed.shut_down();
    observed.seen("shutdown_requested").await;
    assert_eq!(observed.status().await.stage, Stage::Stopping);
    observed.events().assert_none("setup_finished slow");
    gate.open();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_in_order(&[
        "shutdown_requested: StartShutdown",
        "setup_finished slow: ok",
        "release_finished slow/pool: ok",
    ]);
    assert_eq!(journal.whose("run"), [""; 0]);
    assert_eq!(journal.whose("shutdown"), [""; 0]);
}

#[actix::test]
async fn g21_a_set_up_that_gives_up_after_shutdown_was_asked_is_cancelled() {
    let journal = Journal::default();
    let service = Probe::new("a", &journal).setup(|setup| async move {
        setup.shutdown.requested().await;
        Err("given up".into())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert!(ended.service("a").setup.as_ref().unwrap().cancelled);
    assert_eq!(ended.cause(), "StartShutdown");
}

#[actix::test]
async fn g05_each_running_service_gets_shutdown_once_and_hears_the_signal() {
    let journal = Journal::default();
    let all_run = Arc::new(Barrier::new(3));
    let note = |id: &'static str| {
        let (journal, all_run) = (journal.clone(), Arc::clone(&all_run));
        Probe::new(id, &journal.clone()).run(move |run| async move {
            assert!(!run.shutdown.is_requested());
            all_run.wait().await;
            run.shutdown.requested().await;
            assert!(run.shutdown.is_requested());
            journal.note(format!("{id}: requested"));
            Ok(())
        })
    };
    let brief = Probe::new("brief", &journal).run(|_| ready(Ok(())));
    let mut observed =
        observe(options(), |manager| manager.service(note("a")).service(brief).service(note("b")));
    within("the runs", all_run.wait()).await;
    observed.seen("run_finished brief: ok").await;
    assert_eq!(journal.whose("requested"), [""; 0]);
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    for id in ["a", "b"] {
        assert_eq!(journal.count(&format!("{id}: shutdown")), 1, "{:#?}", journal.entries());
        assert_eq!(journal.count(&format!("{id}: requested")), 1, "{:#?}", journal.entries());
    }
    assert_eq!(journal.count("brief: shutdown"), 0, "{:#?}", journal.entries());
    ended.events.assert_none("shutdown_started brief");
    ended.events.assert_before("shutdown_requested", "shutdown_started a");
}

#[actix::test]
async fn g05_a_service_that_ends_by_the_message_alone_ends_well() {
    let journal = Journal::default();
    let asked = Gate::default();
    let service = {
        let (asked, until) = (asked.clone(), asked);
        Probe::new("a", &journal)
            .run(|_| async move {
                until.passed().await;
                Ok(())
            })
            .shutdown_at_once(move |_, _| {
                asked.open();
                Ok(())
            })
    };
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_before("shutdown_started a", "run_finished a: ok");
}

#[actix::test]
async fn g05_an_actor_that_stops_itself_when_asked_to_stop_does_as_it_was_asked() {
    use actix::ActorContext;
    let journal = Journal::default();
    let service = Probe::new("a", &journal).run(|_| support::never()).shutdown_at_once(|_, ctx| {
        ctx.stop();
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    observed.ended().await.assert_ok();
}

#[actix::test]
async fn g08_the_signal_tells_the_deadline_once_shutdown_has_begun() {
    let journal = Journal::default();
    let (send, signals) = oneshot::channel::<[ShutdownSignal; 2]>();
    let runs = Gate::default();
    let began = runs.clone();
    let (send_release, at_release) = oneshot::channel();
    let pool = Probe::new("a/pool", &journal).release_at_once(move |release, _| {
        send_release.send(release.shutdown.deadline()).unwrap();
        Ok(())
    });
    let service = Probe::new("a", &journal)
        .setup(|setup| async move {
            assert_eq!(setup.shutdown.deadline(), None, "nothing has been asked yet");
            start_all(&setup.resources, vec![("pool", pool)])
        })
        .run(|run| async move {
            let clone = run.shutdown.clone();
            assert_eq!(clone.deadline(), None);
            began.open();
            clone.requested().await;
            send.send([run.shutdown, clone]).unwrap();
            Ok(())
        });
    let limits = options().max_shutdown_duration(ms(5000)).release_reserve(ms(2000));
    let mut observed = observe(limits, |manager| manager.service(service));
    within("the run", runs.passed()).await;
    let before = Instant::now();
    observed.shut_down();
    let [signal, clone] = within("the signals", signals).await.unwrap();
    let of_services = signal.deadline().expect("there is a limit");
    assert_eq!(clone.deadline(), Some(of_services));
    let of_resources = within("a release", at_release).await.unwrap().expect("there is a limit");
    let after = Instant::now();
    assert_eq!(of_resources - of_services, ms(2000), "the reserve is the resources'");
    assert!(before + ms(5000) <= of_resources && of_resources <= after + ms(5000));
    observed.ended().await.assert_ok();
    assert!(!signal.is_forced(), "it ended in time");
}

#[actix::test]
async fn g08_the_signal_tells_no_deadline_where_there_is_none() {
    let journal = Journal::default();
    let (send, told) = oneshot::channel();
    let service = Probe::new("a", &journal).run(|run| async move {
        run.shutdown.requested().await;
        send.send(run.shutdown.deadline()).unwrap();
        Ok(())
    });
    let mut observed = observe(options().max_shutdown_duration(None), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    assert_eq!(within("the deadline", told).await.unwrap(), None);
    observed.ended().await.assert_ok();
}

#[test]
fn g05_during_the_drain_delay_everything_goes_on_working() {
    paused(|| async {
        let delay = ms(300);
        let journal = Journal::default();
        let (send, resources) = oneshot::channel();
        let (send_requested, requested) = oneshot::channel();
        let (service, address) = Probe::new("a", &journal)
            .run(|run| async move {
                let Ok(()) = send.send((run.resources, run.shutdown.clone())) else {
                    panic!("the test waits")
                };
                run.shutdown.requested().await;
                send_requested.send(tokio::time::Instant::now()).unwrap();
                Ok(())
            })
            .with_address();
        let mut observed = observe_paused(options().drain_delay(delay), |manager| manager.service(service));
        observed.running().await;
        let (resources, signal) = within("the run", resources).await.unwrap();
        let asked = tokio::time::Instant::now();
        observed.shut_down();
        observed.seen("draining").await;

        let address = address.await.unwrap();
        address.send(Call::now(|_| {})).await.expect("messages are answered");
        let late = resources.start("late", Probe::new("a/late", &journal)).expect("resources may be started");
        late.send(Call::now(|_| {})).await.expect("and answer");
        assert!(!signal.is_requested() && journal.count("a: shutdown") == 0, "nobody may be asked yet");
        let status = observed.status().await;
        assert_eq!(status.stage, Stage::Stopping);

        let requested = within("the request", requested).await.unwrap();
        assert_eq!(requested - asked, delay);
        let ended = observed.ended().await;
        ended.assert_ok();
        ended.events.assert_in_order(&["shutdown_requested", "draining", "shutdown_started a", "drained"]);
        assert_eq!(ended.events.since_asked("shutdown_started a"), delay);
        assert_eq!(journal.count("a/late: release"), 1);
    });
}
