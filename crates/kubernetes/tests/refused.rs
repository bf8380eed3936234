//! What can never work is refused, by name and with a way out.

use majordomo::{Lease, LeaseError, LeaseStore, Manager, Run, ServiceSpec, restartable_fn};
use majordomo_kubernetes::KubernetesLeases;
use support::{options, replicas};

use crate::api::Api;
use crate::request;

fn refused<T: std::fmt::Debug>(answer: Result<T, LeaseError>) -> String {
    match answer {
        Err(LeaseError::Refused(error)) => error.to_string(),
        answer => panic!("it is refused: {answer:?}"),
    }
}

#[actix::test]
async fn g25_a_token_that_is_not_taken_is_refused_before_anything_runs() {
    let api = Api::start().await;
    api.only(Some("right"));
    for token in [None, Some("wrong")] {
        let text = refused(api.leases_with(token).check().await);
        assert!(text.contains("Unauthorized, 401") && text.contains("see to the service account"), "{text}");
        assert!(!text.contains("wrong"), "{text}");
    }
    api.leases_with(Some("right")).check().await.unwrap();
    // A manager that was not told ends by it.
    replicas::is_refused(api.leases_with(Some("wrong")), "Unauthorized").await;
}

#[tokio::test]
async fn g25_a_right_that_is_missing_is_refused_unless_it_was_there_before() {
    let api = Api::start().await;
    let (store, a) = (api.leases(), request("rights", "a"));
    api.read_only(true);
    let text = refused(store.acquire(&a).await);
    assert!(
        text.contains("cannot write, 403 Forbidden") && text.contains("get, create and update leases"),
        "{text}"
    );
    api.read_only(false);
    store.acquire(&a).await.unwrap();
    // As of an API server that has just started, and does not know its roles yet.
    api.read_only(true);
    let refused = store.renew(&a).await;
    assert!(matches!(refused, Err(LeaseError::Away(_))), "{refused:?}");
    api.only(Some("another"));
    let refused = store.renew(&a).await;
    assert!(matches!(refused, Err(LeaseError::Away(_))), "{refused:?}");
}

#[tokio::test]
async fn g25_a_namespace_that_is_not_there_is_refused() {
    let store = Api::start().await.leases().namespace("nowhere");
    let text = refused(store.acquire(&request("a", "a")).await);
    assert!(text.contains("namespaces \"nowhere\" not found"), "{text}");
}

#[test]
fn g25_a_name_that_no_object_can_have_is_refused_before_anything_runs() {
    let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
    let store = KubernetesLeases::new(config);
    let service = restartable_fn("reports", |_: Run| async { Ok(()) });
    let service = ServiceSpec::new(service).only_with(Lease::new(store.clone(), "Reports_Lease"));
    let text = Manager::new(options()).service(service).plan().expect_err("it cannot work").to_string();
    assert!(text.contains("\"Reports_Lease\"") && text.contains("lower-case letters"), "{text}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let text = refused(runtime.block_on(store.acquire(&request("Reports_Lease", "a"))));
    assert!(text.contains("cannot be called \"Reports_Lease\""), "{text}");
}
