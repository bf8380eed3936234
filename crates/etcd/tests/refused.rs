//! What can never work is refused, by name and with a way out.

use etcd_client::{Client, ConnectOptions, Permission};
use majordomo::{LeaseError, LeaseStore};
use majordomo_etcd::EtcdLeases;
use support::replicas;

use crate::request;

/// The endpoint of an etcd that has users: root, and one whose role has other keys.
async fn guarded() -> String {
    let endpoint = std::env::var("ETCD_GUARDED").expect("ETCD_GUARDED: run it by .ci/etcd");
    let mut client = Client::connect([&endpoint], None).await.unwrap();
    for user in ["root", "clerk"] {
        // The second time they are there, or may not be made any more.
        let _ = client.user_add(user, "right", None).await;
        let _ = client.role_add(user).await;
        let _ = client.user_grant_role(user, user).await;
    }
    let others = Permission::read_write("others/").with_prefix();
    let _ = client.role_grant_permission("clerk", others).await;
    let _ = client.auth_enable().await;
    endpoint
}

fn as_user(endpoint: &str, user: &str, password: &str) -> EtcdLeases {
    EtcdLeases::new([endpoint]).unwrap().connect_options(ConnectOptions::new().with_user(user, password))
}

async fn refused(store: &EtcdLeases) -> String {
    match store.check().await {
        Err(LeaseError::Refused(error)) => error.to_string(),
        answer => panic!("it is refused: {answer:?}"),
    }
}

#[actix::test]
#[ignore = "needs an etcd"]
async fn g25_a_wrong_password_or_none_or_a_role_without_rights_is_refused_before_anything_runs() {
    let endpoint = guarded().await;
    let wrong = as_user(&endpoint, "root", "wrong");
    let text = refused(&wrong).await;
    assert!(text.contains("authentication failed, invalid user ID or password"), "{text}");
    assert!(text.contains("see to the user, its password") && !text.contains("\"wrong\""), "{text}");
    let text = refused(&EtcdLeases::new([endpoint.as_str()]).unwrap()).await;
    assert!(text.contains("user name is empty"), "{text}");
    let text = refused(&as_user(&endpoint, "clerk", "right")).await;
    assert!(text.contains("permission denied") && text.contains("majordomo/leases/"), "{text}");
    replicas::is_refused(wrong, "authentication failed").await;

    // Whoever may works: the same with keys that its role has.
    for store in [as_user(&endpoint, "root", "right"), as_user(&endpoint, "clerk", "right").prefix("others/")]
    {
        store.check().await.unwrap();
        let request = request("guarded", "a");
        store.acquire(&request).await.unwrap();
        store.renew(&request).await.unwrap();
        store.release(&request).await.unwrap();
    }
}

#[test]
fn g25_an_endpoint_that_cannot_be_used_is_refused_at_once() {
    for (endpoint, why) in [
        ("etcd:2379", "begins neither with http:// nor"),
        ("ftp://etcd:2379", "begins neither with http:// nor"),
        ("http://", "it is no URL"),
        ("a b", "it is no URL"),
    ] {
        let error = EtcdLeases::new([endpoint]).expect_err("it cannot be used");
        let text = error.to_string();
        assert!(text.contains(why) && text.contains(endpoint) && text.contains("http://host:2379"), "{text}");
        assert!(matches!(LeaseError::from(error), LeaseError::Refused(_)));
    }
    let text = EtcdLeases::new(Vec::<String>::new()).expect_err("it cannot be used").to_string();
    assert!(text.contains("there is none"), "{text}");
    let https = EtcdLeases::new(["https://etcd:2379"]);
    assert_eq!(https.is_ok(), cfg!(feature = "tls"), "{https:?}");
}
