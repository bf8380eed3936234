//! Who is quicker, and by whose clock.

use std::time::{Duration, Instant};

use majordomo::{LeaseError, LeaseRequest, LeaseStore};
use serde_json::json;
use support::replicas::{is_bounded, silent_server};

use crate::api::Api;
use crate::request;

#[tokio::test]
async fn g25_whoever_has_seen_a_version_that_is_not_the_latest_gets_nothing() {
    let api = Api::start().await;
    let (store, [a, b]) = (api.leases(), ["a", "b"].map(|holder| request("raced", holder)));
    store.acquire(&a).await.unwrap();
    store.release(&a).await.unwrap();
    // It is free when it is read, and another's when it is written.
    let others = json!({"holderIdentity": "c", "leaseDurationSeconds": 60, "leaseTransitions": 2});
    api.before_write(others.clone());
    let taken = store.acquire(&b).await;
    assert!(matches!(&taken, Err(LeaseError::Taken { by, .. }) if by == "c"), "{taken:?}");
    // The same for one that renews what it has lost in this moment.
    api.set("raced", |spec| {
        *spec = json!({"holderIdentity": "b", "leaseDurationSeconds": 60, "leaseTransitions": 3})
    });
    api.before_write(others.clone());
    let lost = store.renew(&b).await;
    assert!(matches!(&lost, Err(LeaseError::Taken { by, .. }) if by == "c"), "{lost:?}");
    // And for one that gives back what is another's by now.
    api.set("raced", |spec| {
        *spec = json!({"holderIdentity": "b", "leaseDurationSeconds": 60, "leaseTransitions": 3})
    });
    api.before_write(others);
    store.release(&b).await.unwrap();
    assert_eq!(api.spec("raced")["holderIdentity"], "c");
}

#[tokio::test]
async fn g25_a_lease_is_over_by_the_clock_of_who_looks_whatever_times_stand_in_it() {
    let api = Api::start().await;
    let short = |holder: &str| LeaseRequest::new("clocks", holder, Duration::from_secs(1));
    let holder = api.leases();
    holder.acquire(&short("a")).await.unwrap();
    for (at, renewed) in
        ["2000-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z"].into_iter().enumerate()
    {
        api.set("clocks", |spec| spec["renewTime"] = renewed.into());
        // One that has just begun has seen nothing yet.
        let (store, asks, began) = (api.leases(), short(&format!("b{at}")), Instant::now());
        let granted = loop {
            match store.acquire(&asks).await {
                Ok(grant) => break grant,
                Err(LeaseError::Taken { left: Some(left), .. }) => tokio::time::sleep(left).await,
                Err(error) => panic!("it is taken, or free: {error:?}"),
            }
        };
        assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(granted.epoch, 2 + at as u64);
    }
}

#[tokio::test]
async fn g25_a_change_of_the_object_has_those_who_stand_by_wait_anew() {
    let api = Api::start().await;
    let (store, [a, b]) = (api.leases(), ["a", "b"].map(|holder| request("changed", holder)));
    store.acquire(&a).await.unwrap();
    let left = |answer| match answer {
        Err(LeaseError::Taken { left: Some(left), .. }) => left,
        answer => panic!("it is taken: {answer:?}"),
    };
    assert_eq!(left(store.acquire(&b).await), b.ttl);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(left(store.acquire(&b).await) <= b.ttl - Duration::from_millis(100));
    store.renew(&a).await.unwrap();
    assert_eq!(left(store.acquire(&b).await), b.ttl);
}

#[tokio::test]
async fn g25_a_server_that_takes_connections_and_says_nothing_is_away_in_time() {
    let config = kube::Config::new(format!("http://{}", silent_server()).parse().unwrap());
    let store =
        majordomo_kubernetes::KubernetesLeases::new(config).answer_timeout(Duration::from_millis(300));
    let text = is_bounded(store.check()).await;
    assert!(
        text.contains("Kubernetes at http://127.0.0.1") && text.contains("not answered within 300ms"),
        "{text}"
    );
    let text = is_bounded(store.renew(&request("silent", "a"))).await;
    assert!(text.contains("not answered within 300ms"), "{text}");
}
