//! What every store has to keep, and two replicas.

use majordomo::LeaseStore;
use majordomo::testing::lease_store_holds;
use serde_json::json;
use support::replicas;

use crate::api::Api;
use crate::request;

#[tokio::test]
async fn g25_leases_of_kubernetes_keep_the_contract() {
    lease_store_holds(Api::start().await.leases()).await;
}

#[actix::test]
async fn g25_a_replica_takes_over_in_kubernetes_when_another_stops() {
    replicas::hands_over(Api::start().await.leases(), "stops").await;
}

#[tokio::test]
async fn g25_the_epoch_grows_with_each_holding_also_of_the_same_holder_and_never_with_a_renewal() {
    let api = Api::start().await;
    let (store, a) = (api.leases(), request("epochs", "a"));
    for epoch in 1..4 {
        assert_eq!(store.acquire(&a).await.unwrap().epoch, epoch);
        store.renew(&a).await.unwrap();
        assert_eq!(store.acquire(&a).await.unwrap().epoch, epoch);
        let spec = api.spec("epochs");
        assert_eq!((&spec["holderIdentity"], &spec["leaseTransitions"]), (&json!("a"), &json!(epoch)));
        assert_eq!(spec["leaseDurationSeconds"], 60);
        store.release(&a).await.unwrap();
        let spec = api.spec("epochs");
        assert_eq!((&spec["holderIdentity"], &spec["leaseTransitions"]), (&json!(null), &json!(epoch)));
    }
}

#[tokio::test]
async fn g25_a_lease_of_client_go_is_understood() {
    let api = Api::start().await;
    let (store, a) = (api.leases(), request("other", "a"));
    store.acquire(&a).await.unwrap();
    api.set("other", |spec| {
        *spec = json!({"holderIdentity": "a-controller", "leaseDurationSeconds": 15, "leaseTransitions": 7,
                       "acquireTime": "2020-01-01T00:00:00.000000Z", "renewTime": "2020-01-01T00:00:00.000000Z"});
    });
    // However old its times are.
    let taken = store.acquire(&a).await.expect_err("another has it").to_string();
    assert!(taken.contains("a-controller has it for at most 15.0s"), "{taken}");
    assert!(store.renew(&a).await.expect_err("another has it").to_string().contains("a-controller has it"));
    // As it gives a lease back.
    api.set("other", |spec| {
        spec["holderIdentity"] = "".into();
        spec["leaseDurationSeconds"] = 1.into();
    });
    assert_eq!(store.acquire(&a).await.unwrap().epoch, 8);
}
