//! A lease that is given back is another's within a round trip, with a greater epoch.

use std::time::Duration;

use majordomo::testing::{Gate, ManagerSuite, MemoryLeases};
use majordomo::{
    Lease, Manager, RestartService, Run, ServiceSpec, StartShutdown, resource_fn, restartable_fn,
};

use crate::rig::{Epochs, LEASE, SERVICE, lease, obedient, options, replica, running};

/// Who is not told that it is free asks every ten minutes.
const LONG: Duration = Duration::from_secs(3600);

fn patient(store: &MemoryLeases, epochs: &Epochs) -> ManagerSuite {
    let service = ServiceSpec::new(obedient(epochs)).only_with(Lease::new(store.clone(), LEASE).ttl(LONG));
    ManagerSuite::launch(Manager::new(options()).service(service))
}

#[actix::test]
async fn g25_a_clean_end_hands_the_lease_over_within_a_round_trip() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let first = patient(&store, &epochs);
    first.recorder().wait_for("run_started reports").await;
    let second = patient(&store, &epochs);
    second.recorder().wait_for("standby reports").await;
    // It has heard that the lease is taken.
    store.until_requests(2).await;
    first.shutdown().await;
    second.recorder().wait_for("run_started reports").await;
    second.shutdown().await;
    assert_eq!(epochs.all(), [1, 2]);
    assert_eq!(store.holder(LEASE), None);
}

#[actix::test]
async fn g25_the_lease_is_given_back_after_the_last_resource() {
    let (store, release) = (MemoryLeases::new(), Gate::new());
    let gate = release.clone();
    let service = restartable_fn(SERVICE, move |run: Run| {
        let gate = gate.clone();
        async move {
            let passed = move || async move {
                gate.passed().await;
                Ok(())
            };
            run.resources.start("file", resource_fn(passed))?;
            run.shutdown.requested().await;
            Ok(())
        }
    });
    let suite = replica(&store, service);
    suite.recorder().wait_for("resource_started reports/file").await;
    suite.manager().do_send(StartShutdown);
    release.arrived().await;
    assert!(store.holder(LEASE).is_some(), "the resource is not released yet");
    release.open();
    suite.shutdown().await;
    assert_eq!(store.holder(LEASE), None);
}

#[actix::test]
async fn g25_each_life_has_an_epoch_of_its_own() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let suite = running(&store, &epochs).await;
    let restart = RestartService(SERVICE.to_owned());
    suite.manager().send(restart).await.unwrap().unwrap();
    suite.recorder().wait_for_times("run_started reports", 2).await;
    suite.shutdown().await;
    assert_eq!(epochs.all(), [1, 2]);
}

#[actix::test]
async fn g25_set_up_and_run_have_the_epoch_and_others_have_none() {
    let store = MemoryLeases::new();
    store.take(LEASE, "one before", Duration::ZERO);
    let service = majordomo::service_with_setup(
        SERVICE,
        |setup: majordomo::Setup| async move { Ok(setup.epoch()) },
        |run: Run, epoch: Option<u64>| async move {
            assert_eq!((epoch, run.epoch()), (Some(2), Some(2)));
            Ok(())
        },
    );
    let plain = majordomo::service_fn("plain", |run: Run| async move {
        assert_eq!(run.epoch(), None);
        Ok(())
    });
    let service = service.stop_timeout(Duration::from_millis(300)).only_with(lease(&store));
    let suite = ManagerSuite::launch(Manager::new(options()).service(service).service(plain));
    suite.ended().await.unwrap();
    assert_eq!(store.epoch(LEASE), 2);
}
