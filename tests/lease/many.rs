//! Many leases of one store.

use std::time::Duration;

use majordomo::testing::{ManagerSuite, MemoryLeases};
use majordomo::{Lease, Manager, Run, ServiceSpec, restartable_fn};

use crate::rig::options;

const MANY: u64 = 200;

#[actix::test]
async fn g25_many_leases_are_renewed_side_by_side() {
    let store = MemoryLeases::new();
    let service = |number: u64| {
        let service = restartable_fn(format!("service {number}"), |run: Run| async move {
            run.shutdown.requested().await;
            Ok(())
        });
        let lease = Lease::new(store.clone(), format!("lease {number}")).ttl(Duration::from_secs(6));
        ServiceSpec::new(service).stop_timeout(Duration::from_millis(300)).only_with(lease)
    };
    let manager = (0..MANY).map(service).fold(Manager::new(options()), Manager::service);
    let suite = ManagerSuite::launch(manager);
    suite.recorder().wait_for_times("run_started", MANY as usize).await;
    // One after the other they would take longer than they last.
    store.slow(Duration::from_millis(100));
    store.until_requests(MANY * 4).await;
    suite.recorder().assert_none("lease_lost");
    suite.shutdown().await;
    assert!((0..MANY).all(|number| store.holder(&format!("lease {number}")).is_none()));
}
