//! Servers that crash, hang or are not there.

use std::time::Duration;

use majordomo::{LeaseError, LeaseStore};
use majordomo_etcd::EtcdLeases;
use support::replicas::{self, is_bounded, silent_server};

use crate::{leases, request, server_alone};

/// The server is killed, and starts again.
pub(crate) fn crash() {
    replicas::crash("ETCD_RESTART", ".ci/etcd");
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_an_etcd_that_crashed_keeps_leases_and_is_asked_again() {
    let _server = server_alone().await;
    let both = ["a", "b"].map(|holder| request("crashed", holder));
    replicas::outlives_a_crash(&leases(), &leases(), both, crash).await;
}

#[tokio::test]
async fn g25_an_etcd_that_takes_connections_and_says_nothing_is_away_in_time() {
    let endpoint = format!("http://{}", silent_server());
    let store = EtcdLeases::new([endpoint.as_str()]).unwrap().answer_timeout(Duration::from_millis(300));
    let text = is_bounded(store.check()).await;
    assert!(text.contains(&endpoint) && text.contains("not answered within 300ms"), "{text}");
    let text = is_bounded(store.renew(&request("silent", "a"))).await;
    assert!(text.contains("not answered within 300ms"), "{text}");
}

#[tokio::test]
async fn g25_an_etcd_that_is_not_there_is_away_and_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let store = EtcdLeases::new([endpoint.as_str()]).unwrap().answer_timeout(Duration::from_millis(300));
    let error = store.check().await.expect_err("nobody is there");
    assert!(matches!(error, LeaseError::Away(_)), "{error:?}");
    assert!(error.to_string().contains(&endpoint), "{error}");
}
