//! Who is stuck, who is starved by that and who waits for it is told while it lasts: once when it begins, once when it is over.

mod common;

use std::sync::mpsc;

use common::{Call, Journal, Observed, Probe, ms, observe, options};
use majordomo::events::{LifecycleEvent, Stall};
use majordomo::{ConfigError, Manager, ServiceSpec};

/// Something that blocks a thread until the other end lets go.
fn lock() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
    let (key, lock) = mpsc::channel::<()>();
    (key, move || assert!(lock.recv().is_err(), "nobody sends anything"))
}

fn watched(services: impl FnOnce(Manager) -> Manager) -> Observed {
    observe(options().stuck_after(ms(60)), services)
}

async fn ends_well(mut observed: Observed) -> common::Ended {
    observed.shut_down();
    let ended = observed.ended().await;
    ended.assert_ok();
    ended
}

#[actix::test]
async fn g09_a_stuck_service_is_told_once_when_it_begins_and_once_when_it_is_over() {
    let (probe, address) = Probe::new("a", &Journal::default()).with_address();
    let mut observed = watched(|manager| manager.service(probe));
    observed.running().await;
    let (key, blocks) = lock();
    address.await.unwrap().do_send(Call::now(|_| blocks()));
    observed.seen("stall_started a: stuck").await;
    drop(key);
    observed.seen("stall_finished a: stuck").await;

    let ended = ends_well(observed).await;
    ended.events.assert_in_order(&[
        "stall_started a: stuck",
        "stall_finished a: stuck",
        "shutdown_requested",
    ]);
}

#[actix::test]
async fn g09_a_stall_says_at_which_step_on_which_thread_and_for_how_long() {
    let (key, blocks) = lock();
    let probe = Probe::new("a", &Journal::default()).setup_at_once(|_, _| {
        blocks();
        Ok(())
    });
    let (sender, mut stream) = majordomo::events::channel();
    let mut observed =
        observe(options().stuck_after(ms(60)).observe(sender), |manager| manager.service(probe));
    let told = loop {
        let event = stream.recv().await.expect("a stall before the end");
        if let LifecycleEvent::StallStarted { service, resource, stall, lasted } = &event.event {
            break (service.clone(), resource.clone(), stall.clone(), *lasted);
        }
    };
    let (service, resource, stall, lasted) = told;
    let Stall::Stuck { doing, thread } = stall else { panic!("expected it to be stuck, it is {stall}") };
    assert_eq!((&*service, resource, doing), ("a", None, "setup"));
    assert!(lasted >= ms(60), "told after {lasted:?}");
    assert!(thread.starts_with("actix-rt"), "on {thread}");
    let status = observed.status().await;
    assert_eq!(status.services[0].thread.as_ref(), Some(&thread));
    assert!(status.services[0].poll.is_some_and(|poll| poll >= lasted), "{:?}", status.services[0].poll);
    drop(key);
    observed.seen("running").await;
    ends_well(observed).await;
}

#[actix::test]
async fn g09_a_stuck_resource_is_told_by_its_name() {
    let journal = Journal::default();
    let (resource, address) = Probe::new("a/r", &journal).with_address();
    let probe = Probe::new("a", &journal).with_resources(vec![("r", resource)]);
    let mut observed = watched(|manager| manager.service(probe));
    let (key, blocks) = lock();
    address.await.unwrap().do_send(Call::now(|_| blocks()));
    observed.seen("stall_started a/r: stuck").await;
    drop(key);
    observed.seen("stall_finished a/r: stuck").await;
    observed.running().await;
    ends_well(observed).await;
}

#[actix::test]
async fn g09_who_has_something_to_do_on_a_stuck_thread_is_told_as_starved_by_whom() {
    let journal = Journal::default();
    let (culprit, culprits) = Probe::new("culprit", &journal).with_address();
    let (victim, victims) = Probe::new("victim", &journal).with_address();
    let bystander = Probe::new("bystander", &journal);
    // More than a loaded machine keeps a thread from its processor.
    let mut observed = observe(options().stuck_after(ms(200)).service_threads(1), |manager| {
        manager.service(culprit).service(victim).service(bystander)
    });
    observed.running().await;
    for run in ["culprit: run", "victim: run", "bystander: run"] {
        journal.until(run, 1).await;
    }
    let (key, blocks) = lock();
    culprits.await.unwrap().do_send(Call::now(|_| blocks()));
    let victims = victims.await.unwrap();
    observed.seen("stall_started culprit: stuck").await;
    victims.do_send(Call::now(|_| ()));
    observed.seen("stall_started victim: starved: culprit").await;
    drop(key);
    observed.seen("stall_finished victim: starved: culprit").await;

    let ended = ends_well(observed).await;
    ended.events.assert_none("stall_started bystander");
    assert_eq!(ended.events.count("stall_started"), 2, "{}", ended.events);
    assert_eq!(ended.events.count("stall_finished"), 2, "{}", ended.events);
}

#[actix::test]
async fn g09_who_cannot_start_since_another_is_stuck_is_told_as_waiting_on_it() {
    let journal = Journal::default();
    let (key, blocks) = lock();
    let database = Probe::new("database", &journal).setup_at_once(|_, _| {
        blocks();
        Ok(())
    });
    let api = ServiceSpec::new(Probe::new("api", &journal)).depends_on("database");
    let edge = ServiceSpec::new(Probe::new("edge", &journal)).depends_on("api");
    let other = Probe::new("other", &journal);
    let mut observed = watched(|manager| manager.service(database).service(api).service(edge).service(other));
    observed.seen("stall_started api: waiting: database").await;
    observed.seen("stall_started edge: waiting: database").await;
    drop(key);
    observed.running().await;
    observed.seen("stall_finished edge: waiting: database").await;
    let ended = ends_well(observed).await;
    ended.events.assert_before("stall_started database: stuck", "stall_started api: waiting");
    ended.events.assert_none("stall_started other");
}

#[actix::test]
async fn g09_who_cannot_stop_since_a_dependent_is_stuck_is_told_as_waiting_on_it() {
    let journal = Journal::default();
    let (key, blocks) = lock();
    let database = Probe::new("database", &journal);
    let api = Probe::new("api", &journal).shutdown_at_once(|_, _| {
        blocks();
        Ok(())
    });
    let api = ServiceSpec::new(api).depends_on("database");
    let mut observed = watched(|manager| manager.service(database).service(api));
    observed.running().await;
    observed.shut_down();
    observed.seen("stall_started database: waiting: api").await;
    drop(key);
    let ended = observed.ended().await;
    ended.assert_ok();
    ended.events.assert_before("stall_started database: waiting: api", "shutdown_started database");
}

#[actix::test]
async fn g09_a_service_that_is_busy_in_many_short_polls_is_not_stuck() {
    let journal = Journal::default();
    let (busy, address) = Probe::new("busy", &journal).with_address();
    let (blocker, blockers) = Probe::new("blocker", &journal).with_address();
    // More than a loaded machine keeps a thread from its processor.
    let mut observed =
        observe(options().stuck_after(ms(400)), |manager| manager.service(busy).service(blocker));
    observed.running().await;
    let address = address.await.unwrap();
    let chatter = actix::spawn(async move {
        loop {
            // One by one: a mailbox that is never empty makes one long poll.
            address.send(Call::now(|_| std::thread::sleep(ms(1)))).await.unwrap();
        }
    });
    // Twice over, another is found to be stuck: so long the watchdog has looked at both.
    let blockers = blockers.await.unwrap();
    for _ in 0..2 {
        let (key, blocks) = lock();
        blockers.do_send(Call::now(|_| blocks()));
        let told = observed.events().count("stall_started blocker") + 1;
        while observed.events().count("stall_started blocker") < told {
            observed.next().await;
        }
        drop(key);
        while observed.events().count("stall_finished blocker") < told {
            observed.next().await;
        }
    }
    assert!(!chatter.is_finished());
    chatter.abort();
    ends_well(observed).await.events.assert_none("stall_started busy");
}

#[actix::test]
async fn g09_nobody_is_told_of_where_nobody_watches() {
    let (probe, address) = Probe::new("a", &Journal::default()).with_address();
    let observed = observe(options().stuck_after(None), |manager| manager.service(probe));
    observed.running().await;
    let (done, over) = tokio::sync::oneshot::channel();
    address.await.unwrap().do_send(Call::now(move |_| {
        std::thread::sleep(ms(200));
        done.send(()).unwrap();
    }));
    over.await.unwrap();
    ends_well(observed).await.events.assert_none("stall_started");
}

#[actix::test]
async fn g01_a_limit_of_nothing_is_refused() {
    let probe = Probe::new("a", &Journal::default());
    let manager = Manager::new(options().stuck_after(ms(0))).service(probe);
    let error = manager.plan().expect_err("every poll lasts");
    assert!(matches!(error, ConfigError::Option { option: "stuck_after", .. }), "{error}");
}
