//! Replicas: managers of one process that share a store.

use std::sync::Arc;
use std::time::Duration;

use majordomo::testing::ManagerSuite;
use majordomo::{
    Lease, LeaseStore, Manager, ManagerOptions, RestartableFn, Run, ServiceSpec, restartable_fn,
};
use support::within;
use tokio::sync::watch;

pub(crate) const SERVICE: &str = "reports";
/// The lease's name.
pub(crate) const LEASE: &str = "reports-lease";

/// Three renewals take 4 s, and all of it less than 8 s.
pub(crate) const TTL: Duration = Duration::from_secs(8);
/// From the loss of a lease to the end of this process a busy machine has this, and 0.4 s.
const STOP: Duration = Duration::from_secs(2);
const MARGIN: Duration = Duration::from_millis(100);

pub(crate) fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).handle_signals(false)
}

pub(crate) fn lease(store: &(impl LeaseStore + Clone)) -> Lease {
    Lease::new(store.clone(), LEASE).ttl(TTL).margin(MARGIN)
}

/// The epochs with which a service has run.
#[derive(Clone, Default)]
pub(crate) struct Epochs(Arc<watch::Sender<Vec<u64>>>);

impl Epochs {
    pub(crate) fn note(&self, run: &Run) {
        self.0.send_modify(|all| all.push(run.epoch().unwrap()));
    }

    pub(crate) fn all(&self) -> Vec<u64> {
        self.0.borrow().clone()
    }

    /// Waits until so many are noted: a run is told of before the service begins it.
    async fn until(&self, count: usize) {
        within("a run", self.0.subscribe().wait_for(|all| all.len() >= count)).await.unwrap();
    }
}

/// A service that runs until it is told to stop.
pub(crate) fn obedient(epochs: &Epochs) -> RestartableFn {
    let epochs = epochs.clone();
    restartable_fn(SERVICE, move |run: Run| {
        epochs.note(&run);
        async move {
            run.shutdown.requested().await;
            Ok(())
        }
    })
}

pub(crate) fn leased(
    store: &(impl LeaseStore + Clone),
    service: RestartableFn,
) -> ServiceSpec<RestartableFn> {
    ServiceSpec::new(service).stop_timeout(STOP).only_with(lease(store))
}

/// A replica of it. Clean ends are asserted when it is dropped.
pub(crate) fn replica(store: &(impl LeaseStore + Clone), service: RestartableFn) -> ManagerSuite {
    ManagerSuite::launch(Manager::new(options()).service(leased(store, service)))
}

/// One that runs already.
pub(crate) async fn running(store: &(impl LeaseStore + Clone), epochs: &Epochs) -> ManagerSuite {
    let count = epochs.all().len();
    let suite = replica(store, obedient(epochs));
    suite.recorder().wait_for("run_started reports").await;
    epochs.until(count + 1).await;
    suite
}
