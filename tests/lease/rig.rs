//! Replicas: managers of one process that share a store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use majordomo::testing::ManagerSuite;
use majordomo::{
    Lease, LeaseStore, Manager, ManagerOptions, RestartableFn, Run, ServiceSpec, restartable_fn,
};

pub(crate) const SERVICE: &str = "reports";
/// The lease's name.
pub(crate) const LEASE: &str = "reports-lease";

/// Three renewals take 3 s, and all of it less than 6 s.
const TTL: Duration = Duration::from_secs(6);
const STOP: Duration = Duration::from_millis(300);

pub(crate) fn options() -> ManagerOptions {
    ManagerOptions::new().grpc_ping_service(false).handle_signals(false)
}

pub(crate) fn lease(store: &(impl LeaseStore + Clone)) -> Lease {
    Lease::new(store.clone(), LEASE).ttl(TTL)
}

/// The epochs with which a service has run.
#[derive(Clone, Default)]
pub(crate) struct Epochs(Arc<Mutex<Vec<u64>>>);

impl Epochs {
    pub(crate) fn note(&self, run: &Run) {
        self.0.lock().unwrap().push(run.epoch().unwrap());
    }

    pub(crate) fn all(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
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
    let suite = replica(store, obedient(epochs));
    suite.recorder().wait_for("run_started reports").await;
    suite
}
