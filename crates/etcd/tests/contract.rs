//! What every store has to keep, and two replicas.

use majordomo::testing::lease_store_holds;
use support::{child, replicas};

use crate::{leases, named, server};

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_leases_in_etcd_keep_the_contract() {
    let _server = server().await;
    lease_store_holds(leases()).await;
}

#[actix::test]
#[ignore = "needs an etcd"]
async fn g25_a_replica_takes_over_in_etcd_when_another_stops() {
    let _server = server().await;
    replicas::hands_over(leases(), &named("stops")).await;
}

#[test]
#[ignore = "needs an etcd"]
fn g25_a_replica_takes_over_when_another_is_killed_after_a_crash_of_etcd() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _server = runtime.block_on(crate::server_alone());
    replicas::survives_a_kill(module_path!(), &named("killed"), crate::broken::crash);
}

#[test]
fn child_program() {
    if child::program().is_some() {
        replicas::become_replica(leases());
    }
}
