//! A report of an old epoch is refused.

use std::time::Duration;

use majordomo::{LeaseRequest, LeaseStore};

use super::*;

#[test]
fn a_url_of_nothing_that_is_known_is_refused() {
    assert!(Store::at("mysql://127.0.0.1").is_err());
    assert!(Store::at("postgres://").is_err());
}

/// Has two lives write in turn.
async fn write_in_turn(store: Store, leases: impl LeaseStore) {
    let name = "written-in-turn";
    let [first, second] = ["a", "b"].map(|holder| LeaseRequest::new(name, holder, Duration::from_secs(60)));
    let [mut old, mut new] = [(); 2].map(|()| Reports::new(store.clone(), name));
    let epoch = leases.acquire(&first).await.expect("it is free").epoch;
    old.append(epoch, "one").await.expect("it has the lease");
    leases.release(&first).await.expect("it was its own");
    let later = leases.acquire(&second).await.expect("it is free").epoch;
    new.append(later, "two").await.expect("it has the lease");
    let late = old.append(epoch, "three").await;
    assert!(matches!(late, Err(NotWritten::TooLate(_))), "{late:?}");
    new.append(later, "four").await.expect("it still has the lease");
    leases.release(&second).await.expect("it was its own");
}

#[actix::test]
#[ignore = "needs an etcd"]
async fn a_report_of_an_old_epoch_is_refused_by_etcd() {
    let url = std::env::var("ETCD_ENDPOINTS").expect("ETCD_ENDPOINTS: run it by .ci/etcd");
    let store = Store::at(&url).expect("a URL");
    let Store::Etcd(leases, _) = store.clone() else { panic!("{url} is no etcd") };
    write_in_turn(store, leases).await;
}

#[actix::test]
#[ignore = "needs a PostgreSQL"]
async fn a_report_of_an_old_epoch_is_refused_by_postgres() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL: run it by .ci/postgres");
    let store = Store::at(&url).expect("a URL");
    let Store::Postgres(leases, _) = store.clone() else { panic!("{url} is no PostgreSQL") };
    write_in_turn(store, leases).await;
}
