//! A store that is away, and leases that are lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use majordomo::testing::MemoryLeases;
use majordomo::{LeaseError, LeaseGrant, LeaseRequest, LeaseStore, Run, restartable_fn};

use crate::rig::{Epochs, LEASE, SERVICE, TTL, obedient, replica, running};

#[actix::test]
async fn g25_a_store_that_is_away_for_a_while_costs_nothing() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let suite = running(&store, &epochs).await;
    store.away(true);
    store.until_requests(store.requests() + 3).await;
    store.away(false);
    // The renewal that follows is done.
    store.until_requests(store.requests() + 2).await;
    suite.recorder().assert_none("lease_lost reports");
    suite.shutdown().await;
    assert_eq!(epochs.all(), [1]);
}

#[actix::test]
async fn g25_a_store_that_is_away_for_too_long_has_the_service_stop_and_stand_by() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let suite = running(&store, &epochs).await;
    store.away(true);
    suite.recorder().wait_for("lease_lost reports").await;
    suite.recorder().wait_for("run_finished reports: ok").await;
    // It has stopped by itself, and in time.
    assert!(store.holder(LEASE).is_some());
    suite.recorder().wait_for_times("standby reports", 2).await;
    store.away(false);
    suite.recorder().wait_for_times("run_started reports", 2).await;
    let lost = suite.recorder().event("lease_lost reports");
    lost.after(&suite.recorder().first("run_started reports"));
    lost.before(&suite.recorder().event("shutdown_started reports"));
    suite.recorder().event("run_finished reports: ok").before(&suite.recorder().last("standby reports"));
    suite.recorder().last("standby reports").before(&suite.recorder().last("lease_acquired reports"));
    suite.recorder().last("lease_acquired reports").before(&suite.recorder().last("setup_started reports"));
    suite.shutdown().await;
    assert_eq!(epochs.all().len(), 2);
}

/// What the store says when something is dropped.
struct Cut {
    store: MemoryLeases,
    holder: Arc<Mutex<Option<String>>>,
}

impl Drop for Cut {
    fn drop(&mut self) {
        *self.holder.lock().unwrap() = self.store.holder(LEASE);
    }
}

#[actix::test]
async fn g25_what_does_not_stop_is_cut_before_the_lease_ends() {
    let (store, holder) = (MemoryLeases::new(), Arc::default());
    let cut = (store.clone(), Arc::clone(&holder));
    let stubborn = restartable_fn(SERVICE, move |_: Run| {
        let cut = Cut { store: cut.0.clone(), holder: Arc::clone(&cut.1) };
        async move {
            let _cut = cut;
            std::future::pending().await
        }
    });
    let suite = replica(&store, stubborn);
    suite.recorder().wait_for("run_started reports").await;
    store.silent(true);
    suite.recorder().wait_for("run_finished reports: forced").await;
    assert!(holder.lock().unwrap().is_some(), "nobody else could have it yet");
    suite.recorder().wait_for_times("standby reports", 2).await;
    // Nothing of it is a failure of the manager's.
    suite.shutdown().await;
}

#[actix::test]
async fn g25_one_that_hears_that_another_has_its_lease_is_cut_at_once() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let suite = running(&store, &epochs).await;
    store.take(LEASE, "an operator", Duration::from_secs(2));
    let lost = suite.recorder().wait_for("lease_lost reports").await;
    let text = lost.event().to_string();
    assert!(text.contains("an operator has it"), "{text}");
    suite.recorder().wait_for_times("run_started reports", 2).await;
    suite.shutdown().await;
    assert_eq!(epochs.all(), [1, 3]);
}

#[actix::test]
async fn g25_an_answer_that_is_lost_costs_no_epoch() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    store.loses_answers(true);
    let suite = replica(&store, obedient(&epochs));
    store.until_requests(1).await;
    store.loses_answers(false);
    suite.recorder().wait_for("run_started reports").await;
    suite.shutdown().await;
    assert_eq!(epochs.all(), [1]);
}

/// The way to a store from one replica, which may be cut.
#[derive(Clone)]
struct Way {
    store: MemoryLeases,
    is_cut: Arc<AtomicBool>,
}

impl Way {
    fn pass(&self) -> Result<&MemoryLeases, LeaseError> {
        let is_cut = self.is_cut.load(Ordering::Relaxed);
        if is_cut { Err(LeaseError::away("the way is cut")) } else { Ok(&self.store) }
    }
}

impl LeaseStore for Way {
    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        self.pass()?.acquire(request).await
    }

    async fn renew(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.pass()?.renew(request).await
    }

    async fn release(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.pass()?.release(request).await
    }
}

#[actix::test]
async fn g25_another_replica_takes_over_when_one_is_cut_off_from_the_store() {
    let (store, epochs) = (MemoryLeases::new(), Epochs::default());
    let way = Way { store: store.clone(), is_cut: Arc::default() };
    let first = running(&way, &epochs).await;
    let second = replica(&store, obedient(&epochs));
    second.recorder().wait_for("standby reports").await;
    way.is_cut.store(true, Ordering::Relaxed);
    // As the store sees it, the time of the first is over long before it is.
    store.advance(TTL + Duration::from_secs(1));
    second.recorder().wait_for("run_started reports").await;
    first.recorder().wait_for("lease_lost reports").await;
    first.recorder().wait_for_times("standby reports", 2).await;
    way.is_cut.store(false, Ordering::Relaxed);
    first.shutdown().await;
    second.shutdown().await;
    assert_eq!(epochs.all(), [1, 2]);
}
