//! Writers whose life is over change nothing.

use etcd_client::{Txn, TxnOp};
use majordomo::LeaseStore;

use crate::{client, leases, named, request, server};

#[tokio::test]
#[ignore = "needs an etcd"]
async fn g25_a_writer_of_an_old_epoch_is_refused_by_a_transaction() {
    let _server = server().await;
    let (store, mut client, key) = (leases(), client().await, named("written"));
    let [a, b] = ["a", "b"].map(|holder| request("fence", holder));
    let mut write = async |epoch: u64, value: &str| {
        let put = TxnOp::put(key.as_str(), value, None);
        let write = Txn::new().when([store.fence(&a.name, epoch)]).and_then([put]);
        store.fenced(&a.name, epoch, client.txn(write).await.unwrap().succeeded())
    };
    let old = store.acquire(&a).await.unwrap().epoch;
    store.renew(&a).await.unwrap();
    write(old, "first").await.unwrap();
    store.release(&a).await.unwrap();
    // Also while nobody has it.
    assert!(write(old, "late").await.is_err());
    let new = store.acquire(&b).await.unwrap().epoch;
    let text = write(old, "late").await.expect_err("it is too late").to_string();
    assert!(
        text.contains(&format!("with epoch {old}")) && text.contains("another replica may have it"),
        "{text}"
    );
    write(new, "second").await.unwrap();
    store.release(&b).await.unwrap();
    let kept = crate::client().await.get(named("written"), None).await.unwrap();
    assert_eq!(kept.kvs()[0].value_str().unwrap(), "second");
}
