//! What every store of leases has to keep.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::base::boot_clock;
use crate::service::{LeaseError, LeaseGrant, LeaseRequest, LeaseStore};

/// How long a lease lasts that is to be over soon.
const SHORT: Duration = Duration::from_secs(1);
/// One that is not over before all is done.
const LONG: Duration = Duration::from_secs(60);
/// A store that has not let anybody have what is over by then never will.
const PATIENCE: Duration = Duration::from_secs(10);
/// By how much the store's clock may be faster than this machine's, within a second.
const DRIFT: Duration = Duration::from_millis(50);

/// Tests a store: that it gives each lease to one at a time, with epochs that grow, and lets go what is over or given back. Takes a few seconds, within
/// a tokio runtime. The leases that it uses have names of their own, and are given back.
///
/// ```
/// use majordomo::testing::{MemoryLeases, lease_store_holds};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// lease_store_holds(MemoryLeases::new()).await;
/// # }
/// ```
///
/// # Panics
/// Where the store does not keep what [`LeaseStore`] promises: says what, and what it did.
pub async fn lease_store_holds(store: impl LeaseStore) {
    let test = Contract { store, run: uuid::Uuid::new_v4().simple().to_string().into() };
    test.one_has_it_at_a_time().await;
    test.what_is_repeated_changes_nothing().await;
    test.what_is_over_is_free_and_not_before().await;
    test.what_is_renewed_lasts().await;
    test.one_of_many_gets_it().await;
}

struct Contract<S> {
    store: S,
    run: Arc<str>,
}

impl<S: LeaseStore> Contract<S> {
    fn request(&self, lease: &str, holder: &str, ttl: Duration) -> LeaseRequest {
        LeaseRequest::new(format!("{lease}-{}", self.run), format!("{holder}-{}", self.run), ttl)
    }

    async fn granted(&self, request: &LeaseRequest, when: &str) -> LeaseGrant {
        match self.store.acquire(request).await {
            Ok(grant) => grant,
            Err(error) => panic!("expected: a lease {when} is granted\nhappened: {error:?}"),
        }
    }

    async fn taken(&self, request: &LeaseRequest, when: &str) {
        let answer = self.store.acquire(request).await;
        let taken = matches!(answer, Err(LeaseError::Taken { .. }));
        assert!(taken, "expected: a lease {when} is LeaseError::Taken\nhappened: {answer:?}");
    }

    async fn returned(&self, request: &LeaseRequest, when: &str) {
        let answer = self.store.release(request).await;
        assert!(answer.is_ok(), "expected: to release a lease {when} is Ok\nhappened: {answer:?}");
    }

    async fn one_has_it_at_a_time(&self) {
        let [a, b] = ["a", "b"].map(|holder| self.request("one", holder, LONG));
        let first = self.granted(&a, "that is free").await;
        self.taken(&b, "that another has").await;
        let other = self.request("another", "b", LONG);
        self.granted(&other, "of another name").await;
        let renewed = self.store.renew(&a).await;
        assert!(renewed.is_ok(), "expected: its holder renews a lease\nhappened: {renewed:?}");
        let stolen = self.store.renew(&b).await;
        let taken = matches!(stolen, Err(LeaseError::Taken { .. }));
        assert!(taken, "expected: to renew another's lease is LeaseError::Taken\nhappened: {stolen:?}");
        self.returned(&b, "of another's").await;
        self.taken(&b, "that was released by one who had it not").await;
        self.returned(&a, "of its own").await;
        let second = self.granted(&b, "that was given back").await;
        let grows = second.epoch > first.epoch;
        assert!(grows, "expected: epochs grow\nhappened: {} came after {}", second.epoch, first.epoch);
        let late = self.store.renew(&a).await;
        let taken = matches!(late, Err(LeaseError::Taken { .. }));
        assert!(taken, "expected: to renew what was given back is LeaseError::Taken\nhappened: {late:?}");
        self.returned(&b, "of its own").await;
        self.returned(&other, "of its own").await;
    }

    async fn what_is_repeated_changes_nothing(&self) {
        let [a, b] = ["a", "b"].map(|holder| self.request("repeated", holder, LONG));
        let first = self.granted(&a, "that is free").await;
        let again = self.granted(&a, "that is its own already").await;
        assert_eq!(first.epoch, again.epoch, "its holder has the same epoch when it asks again");
        self.returned(&a, "of its own").await;
        self.returned(&a, "that was given back already").await;
        self.granted(&b, "that was given back").await;
        self.returned(&a, "that another has by now").await;
        self.taken(&a, "that another has, though its former holder released it late").await;
        self.returned(&b, "of its own").await;
    }

    async fn what_is_over_is_free_and_not_before(&self) {
        let [a, b] = ["a", "b"].map(|holder| self.request("short", holder, SHORT));
        let sent = boot_clock::now();
        let first = self.granted(&a, "that is free").await;
        let second = self.when_free(&b, sent).await;
        let lasted = boot_clock::now() - sent;
        assert!(
            lasted + DRIFT >= SHORT,
            "expected: a lease lasts {SHORT:?}\nhappened: it was over after {lasted:?}"
        );
        let grows = second.epoch > first.epoch;
        assert!(grows, "expected: epochs grow\nhappened: {} came after {}", second.epoch, first.epoch);
        self.returned(&a, "that is over, and another's").await;
        self.taken(&a, "that another has").await;
        self.returned(&b, "of its own").await;
    }

    async fn when_free(&self, request: &LeaseRequest, since: Duration) -> LeaseGrant {
        loop {
            match self.store.acquire(request).await {
                Ok(grant) => return grant,
                Err(LeaseError::Taken { .. }) => {}
                Err(error) => panic!("expected: a grant, or LeaseError::Taken\nhappened: {error:?}"),
            }
            let lasted = boot_clock::now() - since;
            assert!(
                lasted < PATIENCE,
                "expected: what is over is free\nhappened: it was not after {lasted:?}"
            );
            tokio::time::sleep(SHORT / 20).await;
        }
    }

    async fn what_is_renewed_lasts(&self) {
        let [a, b] = ["a", "b"].map(|holder| self.request("renewed", holder, SHORT * 2));
        let began = boot_clock::now();
        let mut renewed_at = began;
        self.granted(&a, "that is free").await;
        while boot_clock::now() - began < SHORT * 4 {
            let sent = boot_clock::now();
            let renewed = self.store.renew(&a).await;
            let asked = self.store.acquire(&b).await;
            // Where the machine was away for long it has lost the lease, which says nothing of the store.
            if boot_clock::now() - renewed_at >= SHORT * 2 {
                break;
            }
            assert!(renewed.is_ok(), "expected: its holder renews a lease\nhappened: {renewed:?}");
            let taken = matches!(asked, Err(LeaseError::Taken { .. }));
            assert!(
                taken,
                "expected: a lease that was renewed in time is LeaseError::Taken\nhappened: {asked:?}"
            );
            renewed_at = sent;
            tokio::time::sleep(SHORT / 4).await;
        }
        self.returned(&b, "that it may have got").await;
        self.returned(&a, "of its own").await;
    }

    async fn one_of_many_gets_it(&self) {
        let requests: Vec<_> = (0..16).map(|at| self.request("many", &at.to_string(), LONG)).collect();
        let answers = join_all(requests.iter().map(|request| self.store.acquire(request))).await;
        let granted = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(granted, 1, "one of many who ask at once gets a lease: {answers:?}");
        for request in &requests {
            self.returned(request, "by all who had asked").await;
        }
    }
}
