//! Stores: what the contract finds, and what it lets pass.

use std::time::Duration;

use majordomo::testing::{MemoryLeases, lease_store_holds};
use majordomo::{LeaseError, LeaseGrant, LeaseRequest, LeaseStore};

#[tokio::test]
async fn g25_leases_in_memory_keep_the_contract() {
    lease_store_holds(MemoryLeases::new()).await;
}

/// A store with a flaw.
struct Flawed {
    leases: MemoryLeases,
    flaw: Flaw,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    SameEpoch,
    GivesTwice,
    ForgetsToEnd,
    EndsEarly,
    LetsAnybodyRelease,
}

impl LeaseStore for Flawed {
    async fn acquire(&self, request: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        let mut asked = request.clone();
        match self.flaw {
            Flaw::ForgetsToEnd => asked.ttl = Duration::from_secs(3600),
            Flaw::EndsEarly => asked.ttl /= 2,
            _ => {}
        }
        let answer = self.leases.acquire(&asked).await;
        match (self.flaw, answer) {
            (Flaw::SameEpoch, Ok(_)) => Ok(LeaseGrant::new(1)),
            (Flaw::GivesTwice, Err(_)) => Ok(LeaseGrant::new(1)),
            (_, answer) => answer,
        }
    }

    async fn renew(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        self.leases.renew(request).await
    }

    async fn release(&self, request: &LeaseRequest) -> Result<(), LeaseError> {
        if self.flaw == Flaw::LetsAnybodyRelease {
            self.leases.take(&request.name, "nobody", Duration::ZERO);
        }
        self.leases.release(request).await
    }
}

async fn verdict(flaw: Flaw) -> String {
    let flawed = Flawed { leases: MemoryLeases::new(), flaw };
    let found = tokio::spawn(lease_store_holds(flawed)).await.expect_err("the flaw is found").into_panic();
    found.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[tokio::test]
async fn g25_the_contract_finds_what_a_store_does_not_keep() {
    let flaws = [
        (Flaw::SameEpoch, "epochs grow"),
        (Flaw::GivesTwice, "that another has is LeaseError::Taken"),
        (Flaw::ForgetsToEnd, "what is over is free"),
        (Flaw::EndsEarly, "a lease lasts 1s"),
        (Flaw::LetsAnybodyRelease, "released by one who had it not"),
    ];
    let found = flaws.map(|(flaw, why)| async move { (verdict(flaw).await, why) });
    for (text, why) in futures_util::future::join_all(found).await {
        assert!(text.contains(why), "{why:?} is not in {text:?}");
    }
}
