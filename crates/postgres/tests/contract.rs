//! What every store has to keep, and two replicas.

use majordomo::testing::lease_store_holds;
use majordomo_postgres::PostgresLeases;
use support::{child, replicas};

use crate::{leases, pooler, server};

#[tokio::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_leases_in_postgresql_keep_the_contract() {
    let _server = server().await;
    lease_store_holds(leases()).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL and a PgBouncer"]
async fn g25_leases_behind_a_pooler_of_transactions_keep_the_contract() {
    let _server = server().await;
    // More connections than the pooler has to the server, so that each is another's in between.
    let replicas = [(); 4].map(|()| {
        let store = PostgresLeases::from_url(&pooler()).unwrap();
        tokio::spawn(lease_store_holds(store))
    });
    for replica in replicas {
        replica.await.unwrap();
    }
}

#[actix::test]
#[ignore = "needs a PostgreSQL"]
async fn g25_a_replica_takes_over_in_postgresql_when_another_stops() {
    let _server = server().await;
    replicas::hands_over(leases(), &format!("stops-{}", std::process::id())).await;
}

#[test]
#[ignore = "needs a PostgreSQL"]
fn g25_a_replica_takes_over_when_another_is_killed_after_a_crash_of_the_server() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _server = runtime.block_on(crate::server_alone());
    let lease = format!("killed-{}", std::process::id());
    replicas::survives_a_kill(module_path!(), &lease, crate::broken::crash);
}

#[test]
fn child_program() {
    if child::program().is_some() {
        replicas::become_replica(leases());
    }
}
