//! Keys that somebody deletes or writes, and watches.

use std::time::Duration;

use majordomo::{LeaseError, LeaseRequest, LeaseStore};

use crate::{client, leases, named, request, server};

fn taken_by(answer: &Result<(), LeaseError>) -> &str {
    match answer {
        Err(LeaseError::Taken { by, .. }) => by,
        answer => panic!("it is taken: {answer:?}"),
    }
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_a_holder_whose_key_was_deleted_or_written_by_hand_is_told_with_its_next_renewal() {
    let _server = server().await;
    let (store, mut client, a) = (leases(), client().await, request("by-hand", "a"));
    let key = format!("majordomo/leases/{}", a.name);
    let first = store.acquire(&a).await.unwrap();
    client.delete(key.as_str(), None).await.unwrap();
    assert_eq!(taken_by(&store.renew(&a).await), "nobody");
    let second = store.acquire(&a).await.unwrap();
    assert!(second.epoch > first.epoch);
    client.put(key.as_str(), "an operator", None).await.unwrap();
    assert_eq!(taken_by(&store.renew(&a).await), "an operator");
    store.release(&a).await.unwrap();
    // Without a lease of etcd's it is there until it is deleted.
    assert_eq!(taken_by(&store.acquire(&a).await.map(|_| ())), "an operator");
    client.delete(key.as_str(), None).await.unwrap();
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_who_stands_by_is_told_that_a_lease_was_given_back_or_is_over() {
    let _server = server().await;
    let (store, [a, b]) = (leases(), ["a", "b"].map(|holder| request("watched", holder)));
    store.acquire(&a).await.unwrap();
    let mut watch = Box::pin(store.watch(&b));
    // Another store renews: that is no news.
    let other = leases();
    tokio::select! {
        () = &mut watch => panic!("it is not free"),
        renewed = async { other.renew(&a).await?; other.renew(&a).await } => renewed.unwrap(),
    }
    let hang = Duration::from_secs(30);
    let (released, told) = tokio::join!(other.release(&a), tokio::time::timeout(hang, watch));
    released.unwrap();
    told.expect("it was given back");
    // What is free already is told at once.
    tokio::time::timeout(hang, store.watch(&b)).await.expect("it is free");
    let short = LeaseRequest::new(named("watched"), "short", Duration::from_secs(1));
    store.acquire(&short).await.unwrap();
    tokio::time::timeout(hang, store.watch(&b)).await.expect("it is over");
    store.acquire(&b).await.unwrap();
    store.release(&b).await.unwrap();
}

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_whoever_is_too_slow_leaves_no_lease_of_etcd_behind() {
    let _server = server().await;
    let (store, mut client) = (leases(), client().await);
    // A time that no other test asks for.
    let ttl = 77;
    let requests: Vec<_> = (0..8)
        .map(|at| LeaseRequest::new(named("leftover"), at.to_string(), Duration::from_secs(ttl)))
        .collect();
    let answers: Vec<_> = requests
        .iter()
        .map(|request| {
            let (store, request) = (store.clone(), request.clone());
            tokio::spawn(async move { store.acquire(&request).await.is_ok() })
        })
        .collect();
    let mut granted = 0;
    for answer in answers {
        granted += usize::from(answer.await.unwrap());
    }
    assert_eq!(granted, 1);
    for request in &requests {
        store.release(request).await.unwrap();
    }
    let mut left = Vec::new();
    for lease in client.leases().await.unwrap().leases() {
        let told = client.lease_time_to_live(lease.id(), None).await.unwrap();
        left.extend(Some(told.granted_ttl()).filter(|granted| *granted == ttl as i64));
    }
    assert_eq!(left, [0; 0]);
}
