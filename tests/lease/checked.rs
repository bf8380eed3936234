//! Stores are asked whether they can be used, before anything begins.

use std::time::{Duration, Instant};

use majordomo::testing::{ManagerSuite, MemoryLeases};
use majordomo::{
    AddService, Lease, Manager, RestartableFn, Run, ServiceCondition, ServiceSpec, StartShutdown,
    restartable_fn,
};

use crate::rig::{Epochs, LEASE, SERVICE, leased, obedient, options, replica, running};

/// One that needs no lease.
fn beside() -> RestartableFn {
    restartable_fn("beside", |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    })
}

fn with_beside(store: &MemoryLeases, epochs: &Epochs) -> ManagerSuite {
    let leased = leased(store, obedient(epochs));
    ManagerSuite::launch(Manager::new(options()).service(beside()).service(leased))
}

#[actix::test]
async fn g25_stores_that_refuse_end_the_manager_with_all_their_reasons_before_anything_begins() {
    let stores = [MemoryLeases::new(), MemoryLeases::new(), MemoryLeases::new()];
    stores[0].refuses(Some("password authentication failed"));
    stores[1].refuses(Some("tables of version 7"));
    let mut manager = Manager::new(options()).service(beside());
    for (store, id) in stores.iter().zip(["first", "second", "third"]) {
        let service = restartable_fn(id, |_: Run| async { Ok(()) });
        manager = manager.service(ServiceSpec::new(service).only_with(Lease::new(store.clone(), id)));
    }
    let suite = ManagerSuite::launch(manager);
    let recorder = suite.recorder().clone();
    let error = suite.ended().await.expect_err("two never have their lease");
    let text = error.to_string();
    for part in ["first", "password authentication failed", "second", "tables of version 7"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("third") && text.contains("mend what that names"), "{text}");
    assert_eq!(error.exit_code(), 1);
    for never in ["setup_started", "standby", "run_started"] {
        recorder.assert_none(never);
    }
    assert!(stores.iter().all(|store| store.requests() == 0), "nobody asked for a lease");
}

#[actix::test]
async fn g25_a_store_that_is_away_keeps_nobody_from_starting() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    store.away(true);
    let suite = with_beside(&store, &epochs);
    suite.recorder().wait_for("run_started beside").await;
    suite.recorder().wait_for("standby reports").await;
    store.away(false);
    suite.recorder().wait_for("run_started reports").await;
    suite.shutdown().await;
}

#[actix::test]
async fn g25_a_store_that_says_nothing_holds_up_the_start_for_a_moment_and_who_waits_says_for_what() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    store.silent(true);
    let began = Instant::now();
    let suite = with_beside(&store, &epochs);
    let status = suite.status().await;
    let waits = status.services.iter().all(|service| service.condition == ServiceCondition::Waiting);
    assert!(waits, "{status}");
    assert!(status.services[0].state.contains("until the stores of leases say"), "{status}");
    assert!(status.services[1].state.contains(&format!("the store of its lease {LEASE:?}")), "{status}");
    suite.recorder().wait_for("run_started beside").await;
    // A sixth of the lease's time to live.
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    store.silent(false);
    suite.recorder().wait_for("run_started reports").await;
    suite.shutdown().await;
}

#[actix::test]
async fn g05_a_shutdown_that_is_asked_while_a_store_says_nothing_waits_for_no_store() {
    let store = MemoryLeases::new();
    store.silent(true);
    // Its store would have 2 s to answer.
    let lease = Lease::new(store, LEASE).ttl(Duration::from_secs(3600));
    let service = ServiceSpec::new(obedient(&Epochs::default())).only_with(lease);
    let suite = ManagerSuite::launch(Manager::new(options()).service(beside()).service(service));
    let recorder = suite.recorder().clone();
    let asked = Instant::now();
    suite.manager().do_send(StartShutdown);
    suite.ended().await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    recorder.assert_none("setup_started");
}

#[actix::test]
async fn g25_what_is_added_with_a_lease_that_its_store_refuses_is_taken_back_and_nobody_else_notices() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let suite = ManagerSuite::start(Manager::new(options()).service(beside())).await;
    store.refuses(Some("password authentication failed"));
    let add = || AddService::new(leased(&store, obedient(&epochs)));
    let error = suite.manager().send(add()).await.unwrap().unwrap_err().to_string();
    assert!(error.contains(SERVICE) && error.contains("password authentication failed"), "{error}");
    suite.recorder().assert_none("standby");
    // Its place is free again.
    store.refuses(None);
    suite.manager().send(add()).await.unwrap().unwrap();
    suite.recorder().wait_for("run_started reports").await;
    assert_eq!(suite.status().await.services.len(), 2);
    suite.shutdown().await;
    assert_eq!(epochs.all(), [1]);
}

#[actix::test]
async fn g25_a_store_that_refuses_later_ends_the_manager_when_it_is_asked_the_next_time() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let first = running(&store, &epochs).await;
    let second = replica(&store, obedient(&epochs));
    second.recorder().wait_for("standby reports").await;
    store.refuses(Some("password authentication failed"));
    let text = second.ended().await.expect_err("it never has its lease").to_string();
    assert!(text.contains(LEASE) && text.contains("password authentication failed"), "{text}");
    store.refuses(None);
    first.shutdown().await;
}
