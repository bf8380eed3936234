//! Who has no lease stands by: that is no failure, and nobody waits for it.

use std::time::{Duration, Instant};

use majordomo::testing::{ManagerSuite, MemoryLeases};
use majordomo::{
    AddService, LeaseCondition, LeaseStatus, Manager, RemoveService, RestartService, Run, ServiceCondition,
    StopService, WaitUntilRunning, service_fn,
};
use support::within;

use crate::rig::{Epochs, LEASE, SERVICE, TTL, leased, obedient, options, replica, running};

#[actix::test]
async fn g25_a_replica_that_stands_by_counts_as_running_and_says_so() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let first = running(&store, &epochs).await;
    let second = replica(&store, obedient(&epochs));
    second.manager().send(WaitUntilRunning).await.unwrap().unwrap();
    second.recorder().wait_for("standby reports").await;
    let status = second.status().await;
    assert_eq!(status.services[0].condition, ServiceCondition::Standby);
    assert_eq!(status.services[0].state, "standing by until the lease \"reports-lease\" is free");
    assert_eq!(first.status().await.services[0].condition, ServiceCondition::Running);
    second.recorder().assert_none("setup_started reports");
    // It ends as cleanly as any other.
    second.shutdown().await;
    assert_eq!(epochs.all(), [1]);
    first.shutdown().await;
}

#[actix::test]
async fn g25_orders_to_one_that_stands_by_are_answered_at_once() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    store.take(LEASE, "another", Duration::from_secs(3600));
    let suite = replica(&store, obedient(&epochs));
    suite.manager().send(WaitUntilRunning).await.unwrap().unwrap();
    let restart = RestartService(SERVICE.to_owned());
    suite.manager().send(restart).await.unwrap().unwrap();
    suite.manager().send(StopService(SERVICE.to_owned())).await.unwrap().unwrap();
    assert_eq!(suite.status().await.services[0].condition, ServiceCondition::Stopped);
    // From then on it asks for nothing, until it is asked back.
    let restart = RestartService(SERVICE.to_owned());
    suite.manager().send(restart).await.unwrap().unwrap();
    suite.recorder().wait_for_times("standby reports", 3).await;
    assert_eq!(epochs.all(), [0; 0]);
    suite.shutdown().await;
}

#[actix::test]
async fn g25_one_that_is_added_or_removed_while_it_stands_by_is_answered_at_once() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    store.take(LEASE, "another", Duration::from_secs(3600));
    let idle = service_fn("idle", |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let suite = ManagerSuite::start(Manager::new(options()).service(idle)).await;
    let added = leased(&store, obedient(&epochs));
    suite.manager().send(AddService::new(added)).await.unwrap().unwrap();
    suite.recorder().wait_for("standby reports").await;
    assert_eq!(suite.status().await.services[1].condition, ServiceCondition::Standby);
    suite.manager().send(RemoveService(SERVICE.to_owned())).await.unwrap().unwrap();
    assert_eq!(suite.status().await.services.len(), 1);
    suite.shutdown().await;
    assert_eq!(epochs.all(), [0; 0]);
}

#[actix::test]
async fn g25_a_shutdown_waits_for_no_store_beyond_its_deadline() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let service = leased(&store, obedient(&epochs)).stop_timeout(Duration::from_millis(300));
    let limit = Duration::from_millis(500);
    let suite = ManagerSuite::launch(Manager::new(options().max_shutdown_duration(limit)).service(service));
    suite.recorder().wait_for("run_started reports").await;
    store.silent(true);
    let began = Instant::now();
    suite.shutdown().await;
    // It would have been asked twice, for a second each.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// What a replica knows of the lease, once that holds.
async fn known(suite: &ManagerSuite, holds: impl Fn(&LeaseStatus) -> bool) -> LeaseStatus {
    let asking = async {
        loop {
            let lease = suite.status().await.services[0].lease.clone().unwrap();
            if holds(&lease) {
                return lease;
            }
        }
    };
    within("what is known of the lease", asking).await
}

#[actix::test]
async fn g25_each_replica_tells_who_has_the_lease_and_until_when() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let first = running(&store, &epochs).await;
    let second = replica(&store, obedient(&epochs));
    second.recorder().wait_for("standby reports").await;
    store.until_requests(2).await;
    let has = first.status().await;
    let lease = has.services[0].lease.as_ref().unwrap();
    assert_eq!((&*lease.name, lease.condition, lease.epoch), (LEASE, LeaseCondition::Held, Some(1)));
    assert_eq!(lease.holder, store.holder(LEASE));
    let (since, until) = (lease.since.unwrap(), lease.until.unwrap());
    assert!(since <= has.up && has.up < until && until <= has.up + TTL, "{lease:?}");
    assert_eq!((lease.acquired, lease.lost, lease.stepped_down), (1, 0, 0));
    // What the store has named is known once its answer was heard.
    let waits = known(&second, |lease| lease.holder.is_some()).await;
    assert_eq!((waits.condition, waits.epoch, waits.since), (LeaseCondition::Standby, None, None));
    assert_eq!(waits.holder, store.holder(LEASE));
    assert!(waits.until.is_some() && waits.error.is_none() && waits.acquired == 0, "{waits:?}");
    let text = second.status().await.to_string();
    let holder = store.holder(LEASE).unwrap();
    assert!(text.contains(&format!("lease \"reports-lease\" is {holder}'s for ")), "{text}");
    let text = first.status().await.to_string();
    assert!(text.contains("lease \"reports-lease\" of epoch 1 for "), "{text}");
    second.shutdown().await;
    first.shutdown().await;
}

#[actix::test]
async fn g25_a_store_that_fails_is_told_before_it_costs_the_lease() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let suite = running(&store, &epochs).await;
    store.away(true);
    store.until_requests(3).await;
    let failing = known(&suite, |lease| lease.error.is_some()).await;
    assert_eq!(
        (failing.condition, failing.error.as_deref()),
        (LeaseCondition::Held, Some("the store is away"))
    );
    store.away(false);
    let asked = store.requests();
    store.until_requests(asked + 2).await;
    let lease = suite.status().await.services[0].lease.clone().unwrap();
    assert_eq!((lease.condition, lease.error, lease.lost), (LeaseCondition::Held, None, 0));
    suite.shutdown().await;
}
