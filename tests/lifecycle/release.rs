//! G6 and G7: when resources are released, in which order, and what is told of each.

use std::sync::Arc;
use std::thread;

use actix::prelude::*;
use majordomo::testing::paused;
use majordomo::{
    Release, ResourceEnding, ResourceError, ResourceSpec, Resources, Run, resource_fn, resource_fn_with,
    service_fn,
};
use support::{Call, Counter, Gate, Journal, Probe, ms, observe, observe_paused, options, start_all, within};
use tokio::sync::{Barrier, oneshot};
use tokio::time::Instant;

#[actix::test]
async fn g06_each_resource_is_released_once_in_reverse_order_of_start() {
    let journal = Journal::default();
    let names = ["r1", "r2", "r3", "r4", "r5"];
    let resources = names.map(|name| Probe::resource("a", name, &journal));
    let service = Probe::new("a", &journal).with_resources(resources.into());
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();

    assert_eq!(journal.whose("started"), ["a", "a/r1", "a/r2", "a/r3", "a/r4", "a/r5"]);
    assert_eq!(journal.whose("release"), ["a/r5", "a/r4", "a/r3", "a/r2", "a/r1"]);
    for pair in names.windows(2) {
        // One after the other: the earlier is not even asked before the later has gone.
        ended.events.assert_before(
            &format!("release_finished a/{}: ok", pair[1]),
            &format!("release_started a/{}", pair[0]),
        );
        journal.assert_before(&format!("a/{}: dropped", pair[1]), &format!("a/{}: release", pair[0]));
    }
    let report: Vec<_> = ended.service("a").resources.iter().map(|r| &*r.name).collect();
    assert_eq!(report, names);
}

#[actix::test]
async fn g06_a_slow_release_is_awaited_before_the_next() {
    let journal = Journal::default();
    let gate = Gate::default();
    let slow = {
        let gate = gate.clone();
        Probe::new("a/slow", &journal).release(|_| async move {
            gate.passed().await;
            Ok(())
        })
    };
    let first = Probe::resource("a", "first", &journal);
    let a = Probe::new("a", &journal).with_resources(vec![first, ("slow", slow)]);
    let b = Probe::new("b", &journal).with_resources(vec![Probe::resource("b", "pool", &journal)]);
    let mut observed = observe(options(), |manager| manager.service(a).service(b));
    observed.running().await;
    observed.shut_down();
    observed.seen("release_started a/slow").await;
    observed.seen("release_finished b/pool: ok").await;
    assert_eq!(journal.count("a/first: release"), 0, "{:#?}", journal.entries());
    gate.open();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_before("release_finished a/slow: ok", "release_started a/first");
}

#[actix::test]
async fn g06_services_release_side_by_side() {
    let journal = Journal::default();
    let all_there = Arc::new(Barrier::new(3));
    let service = |id: &'static str| {
        let all_there = Arc::clone(&all_there);
        let last = Probe::new(format!("{id}/last"), &journal).release(|_| async move {
            all_there.wait().await;
            Ok(())
        });
        let first = Probe::resource(id, "first", &journal);
        Probe::new(id, &journal).with_resources(vec![first, ("last", last)])
    };
    let mut observed = observe(options(), |manager| {
        manager.service(service("a")).service(service("b")).service(service("c"))
    });
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(journal.whose("release").len(), 6, "{:#?}", journal.entries());
}

#[actix::test]
async fn g06_nothing_is_released_before_every_run_has_ended() {
    let journal = Journal::default();
    let gate = Gate::default();
    let slow = {
        let (gate, journal) = (gate.clone(), journal.clone());
        Probe::new("slow", &journal.clone())
            .with_resources(vec![Probe::resource("slow", "pool", &journal)])
            .run(|_| async move {
                gate.passed().await;
                journal.note("slow: run ended");
                Ok(())
            })
    };
    let quick =
        Probe::new("quick", &journal).with_resources(vec![Probe::resource("quick", "pool", &journal)]);
    let mut observed = observe(options(), |manager| manager.service(slow).service(quick));
    observed.running().await;
    observed.shut_down();
    observed.seen("run_finished quick: ok").await;
    observed.seen("shutdown_finished slow: ok").await;
    assert_eq!(journal.whose("release"), [""; 0], "{:#?}", journal.entries());
    gate.open();
    let ended = observed.ended().await;
    ended.assert_ok();
    for release in ["slow/pool: release", "quick/pool: release"] {
        journal.assert_before("slow: run ended", release);
    }
    ended.events.assert_all_before("run_finished", "release_started");
    ended.events.assert_all_before("shutdown_finished", "release_started");
    ended.events.assert_in_order(&["run_finished slow", "drained", "releasing", "release_started slow/pool"]);
}

#[actix::test]
async fn g06_a_resource_started_during_run_is_released_before_those_of_the_set_up() {
    let journal = Journal::default();
    let late = Probe::resource("a", "late", &journal);
    let service = Probe::new("a", &journal)
        .with_resources(vec![Probe::resource("a", "early", &journal)])
        .run(|run| async move {
            start_all(&run.resources, vec![late])?;
            run.shutdown.requested().await;
            Ok(())
        });
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.seen("resource_started a/late").await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(journal.whose("release"), ["a/late", "a/early"]);
}

#[actix::test]
async fn g06_a_resource_started_at_the_very_end_of_a_run_is_released() {
    let journal = Journal::default();
    let last = Probe::resource("a", "last", &journal);
    let service = Probe::new("a", &journal).run(|run| async move {
        run.shutdown.requested().await;
        start_all(&run.resources, vec![last])
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(journal.count("a/last: release"), 1, "{:#?}", journal.entries());
    assert_eq!(ended.resource("a", "last").ending, Some(ResourceEnding::Acknowledged));
}

#[track_caller]
fn assert_too_late(started: Result<Addr<Probe>, ResourceError>) {
    match started {
        Err(ResourceError::Closed { service, name }) => assert_eq!((&*service, &*name), ("a", "late")),
        other => panic!("expected that it is too late, got {other:?}"),
    }
}

#[actix::test]
async fn g06_once_releasing_has_begun_start_is_refused_and_nothing_is_started() {
    let journal = Journal::default();
    let gate = Gate::default();
    let (send, resources) = oneshot::channel::<Resources>();
    let service = {
        let gate = gate.clone();
        let pool = Probe::new("a/pool", &journal).release(|_| async move {
            gate.passed().await;
            Ok(())
        });
        Probe::new("a", &journal).setup(|setup| async move {
            setup.resources.start("pool", pool)?;
            send.send(setup.resources).unwrap();
            Ok(())
        })
    };
    let mut observed = observe(options(), |manager| manager.service(service));
    let resources = within("the handle", resources).await.unwrap();
    observed.running().await;
    observed.shut_down();
    observed.seen("release_started a/pool").await;

    assert_too_late(resources.start("late", Probe::new("a/late", &journal)));
    let (handle, probe) = (resources.clone(), Probe::new("a/late", &journal));
    let elsewhere = thread::spawn(move || handle.start("late", probe)).join().unwrap();
    assert_too_late(elsewhere);
    let handle = resources.clone();
    let made = Gate::default();
    let spec = {
        let (journal, made) = (journal.clone(), made.clone());
        ResourceSpec::local(move || {
            made.open();
            Probe::new("a/late", &journal)
        })
    };
    assert_too_late(handle.start("late", spec.dedicated_thread()));
    gate.open();
    let ended = observed.ended().await;
    ended.assert_ok();

    assert_too_late(resources.start("late", Probe::new("a/late", &journal)));
    assert_eq!(journal.count("a/late: started"), 0, "{:#?}", journal.entries());
    assert!(!made.is_open(), "the closure must not have been called");
    assert_eq!(ended.service("a").resources.len(), 1, "{:?}", ended.report());
    ended.events.assert_none("resource_started a/late");
}

#[actix::test]
async fn g06_start_is_refused_in_the_same_words_after_the_end_from_a_thread_of_ones_own() {
    let journal = Journal::default();
    let (send, resources) = oneshot::channel::<Resources>();
    let service = Probe::new("a", &journal).setup(|setup| async move {
        send.send(setup.resources).unwrap();
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    let resources = within("the handle", resources).await.unwrap();
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    drop(ended);
    let probe = Probe::new("a/late", &journal);
    assert_too_late(thread::spawn(move || resources.start("late", probe)).join().unwrap());
    assert_eq!(journal.count("a/late: started"), 0, "{:#?}", journal.entries());
}

#[actix::test]
async fn g06_a_resource_may_be_started_from_a_thread_of_ones_own() {
    let journal = Journal::default();
    let service = {
        let journal = journal.clone();
        Probe::new("a", &journal.clone()).setup(|setup| async move {
            let (send, started) = oneshot::channel();
            let resources = setup.resources;
            thread::spawn(move || send.send(resources.start("pool", Probe::new("a/pool", &journal))));
            let address = started.await?.expect("it is started");
            address.send(Call::now(|_| {})).await?;
            Ok(())
        })
    };
    let mut observed = observe(options(), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    assert_eq!(journal.count("a/pool: release"), 1, "{:#?}", journal.entries());
}

#[actix::test]
async fn g06_a_resource_may_be_started_from_a_thread_that_its_blocked_service_waits_for() {
    let journal = Journal::default();
    let service = {
        let journal = journal.clone();
        Probe::new("a", &journal.clone()).setup_at_once(move |setup, _| {
            let start = move || setup.resources.start("pool", Probe::new("a/pool", &journal)).map(drop);
            thread::spawn(start).join().expect("it does not panic")?;
            Ok(())
        })
    };
    let mut observed = observe(options().service_threads(1), |manager| manager.service(service));
    observed.running().await;
    observed.shut_down();
    observed.ended().await.assert_ok();
    assert_eq!(journal.count("a/pool: release"), 1, "{:#?}", journal.entries());
}

#[actix::test]
async fn g06_every_start_that_succeeded_is_released_however_close_to_the_end_it_was() {
    let journal = Journal::default();
    let released = Counter::default();
    let (send, handle) = oneshot::channel::<Resources>();
    let service = Probe::new("a", &journal).setup(|setup| async move {
        send.send(setup.resources).unwrap();
        Ok(())
    });
    let mut observed = observe(options(), |manager| manager.service(service));
    let handle = within("the handle", handle).await.unwrap();
    observed.running().await;
    let (send, first) = oneshot::channel();
    let starter = {
        let released = released.clone();
        thread::spawn(move || {
            let mut send = Some(send);
            for started in 0.. {
                let released = released.clone();
                let resource = resource_fn(|| async move {
                    released.add();
                    Ok(())
                });
                if let Err(error) = handle.start(format!("r{started}"), resource) {
                    return (started, error);
                }
                if let Some(send) = send.take() {
                    send.send(()).unwrap();
                }
            }
            unreachable!()
        })
    };
    within("a start", first).await.unwrap();
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    let (started, error) = starter.join().unwrap();
    assert!(matches!(error, ResourceError::Closed { .. }), "{error}");
    assert!(started > 0);
    assert_eq!(released.get(), started, "as many released as started");
    assert_eq!(ended.service("a").resources.len(), started);
    assert_eq!(ended.events.count("resource_started"), started);
    assert_eq!(ended.events.count("release_finished"), started);
}

#[test]
fn a_closure_that_releases_is_told_how_much_time_there_is() {
    paused(|| async {
        let (told, deadline) = oneshot::channel();
        let farewell = |release: Release| async move {
            told.send(release.shutdown.deadline()).map_err(|_| "gone".into())
        };
        let service = service_fn("a", |run: Run| async move {
            run.resources.start("session", resource_fn_with(farewell))?;
            run.shutdown.requested().await;
            Ok(())
        });
        let options = options().max_shutdown_duration(ms(30_000));
        let mut observed = observe_paused(options, |manager| manager.service(service));
        observed.running().await;
        let asked = Instant::now();
        observed.shut_down();
        observed.ended().await.assert_ok();
        assert_eq!(deadline.await.unwrap().map(|at| Instant::from_std(at) - asked), Some(ms(30_000)));
    });
}
