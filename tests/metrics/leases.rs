//! The lease of a service, as metrics tell it.

use std::time::Duration;

use majordomo::metrics::Metrics;
use majordomo::testing::{ManagerSuite, MemoryLeases};
use majordomo::{Lease, Manager, Run, ServiceSpec, StepDown, restartable_fn};
use support::options;

use crate::scraped::Scraped;

const SERVICE: &str = "reports";
const LEASE: &str = "nightly";

fn replica(store: &MemoryLeases, metrics: &Metrics) -> ManagerSuite {
    let reports = restartable_fn(SERVICE, |run: Run| async move {
        run.shutdown.requested().await;
        Ok(())
    });
    let lease = Lease::new(store.clone(), LEASE).ttl(Duration::from_secs(6));
    let reports = ServiceSpec::new(reports).stop_timeout(Duration::from_millis(300)).only_with(lease);
    ManagerSuite::launch(Manager::new(options().metrics(metrics)).service(reports))
}

/// Whether it is held, its epoch, and how often it was acquired, lost, given away; and what the service is doing.
fn told(metrics: &Metrics) -> (f64, f64, [f64; 3], String) {
    let scraped = Scraped::of(metrics);
    let labels = [("service", SERVICE), ("lease", LEASE)];
    let changes = ["acquired", "lost", "stepped_down"].map(|change| {
        let labels = [("service", SERVICE), ("lease", LEASE), ("transition", change)];
        scraped.value("majordomo_lease_transitions_total", &labels)
    });
    let [held, epoch] = ["held", "epoch"].map(|of| scraped.value(&format!("majordomo_lease_{of}"), &labels));
    (held, epoch, changes, scraped.state(SERVICE).to_owned())
}

#[actix::test]
async fn g25_a_lease_is_told_by_who_has_it_with_its_epoch_and_how_often_that_changed() {
    let (store, first, second) = (MemoryLeases::new(), Metrics::new(), Metrics::new());
    store.take(LEASE, "one before", Duration::ZERO);
    let one = replica(&store, &first);
    one.recorder().wait_for("run_started reports").await;
    assert_eq!(told(&first), (1.0, 2.0, [1.0, 0.0, 0.0], "running".into()));
    let other = replica(&store, &second);
    other.recorder().wait_for("standby reports").await;
    assert_eq!(told(&second), (0.0, 0.0, [0.0; 3], "standby".into()));

    let step_down = StepDown { id: SERVICE.to_owned(), stay_out: None };
    one.manager().send(step_down).await.unwrap().unwrap();
    other.recorder().wait_for("run_started reports").await;
    assert_eq!(told(&first), (0.0, 2.0, [1.0, 0.0, 1.0], "standby".into()));
    assert_eq!(told(&second), (1.0, 3.0, [1.0, 0.0, 0.0], "running".into()));

    store.take(LEASE, "a third", Duration::from_secs(3600));
    other.recorder().wait_for("lease_lost reports").await;
    other.recorder().wait_for_times("standby reports", 2).await;
    assert_eq!(told(&second), (0.0, 3.0, [1.0, 1.0, 0.0], "standby".into()));
    one.shutdown().await;
    other.shutdown().await;
    assert_eq!(told(&first).3, "ended");
}
