//! G25: which answers wake the thread of leases.

use std::sync::Mutex;

use futures_util::FutureExt;
use tokio::sync::mpsc::Receiver;

use super::super::answers::{Answers, answers};
use super::super::errors::LeaseError;
use super::super::store::{LeaseGrant, LeaseStore};
use super::super::stores::{Stores, Turn};
use super::super::view::{ViewReceiver, lease_view};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Answers with what it was told to, and else that it is done.
#[derive(Clone, Default)]
struct Answering(Arc<Mutex<Option<LeaseError>>>);

impl Answering {
    fn answer(&self) -> Result<(), LeaseError> {
        self.0.lock().expect("not poisoned").take().map_or(Ok(()), Err)
    }
}

impl LeaseStore for Answering {
    async fn acquire(&self, _: &LeaseRequest) -> Result<LeaseGrant, LeaseError> {
        self.answer().map(|()| LeaseGrant::new(1))
    }

    async fn renew(&self, _: &LeaseRequest) -> Result<(), LeaseError> {
        self.answer()
    }

    async fn release(&self, _: &LeaseRequest) -> Result<(), LeaseError> {
        self.answer()
    }
}

struct Rig {
    store: Answering,
    tenant: Tenant,
    seen: ViewReceiver,
    stores: Stores,
    turns: Receiver<Turn>,
    teller: Arc<Teller<Told>>,
    answers: Answers<Told>,
}

impl Rig {
    fn new() -> Self {
        let store = Answering::default();
        let terms = LeaseTerms::new(12 * SECOND, SECOND, SECOND).expect("fits");
        let (view, seen) = lease_view();
        let lease = Lease::new(store.clone(), "lease");
        let tenant = Tenant::new("service".into(), lease, terms, "holder".to_owned(), view);
        let ((stores, turns), (teller, answers)) = (Stores::new(), answers());
        Self { store, tenant, seen, stores, turns, teller, answers }
    }

    /// Has it ask, be answered and hear that. Tells whether that woke anybody.
    async fn asks(&mut self, call: Call, answer: Result<(), LeaseError>) -> bool {
        *self.store.0.lock().expect("not poisoned") = answer.err();
        self.tenant.send((ServiceIx(0), 1), call, SECOND, &mut self.stores, &self.teller);
        self.stores.hand_over();
        for asked in self.turns.try_recv().expect("a turn") {
            asked.await.expect("it is not aborted");
        }
        tokio::task::yield_now().await;
        let wakes = self.answers.told().now_or_never().is_some();
        let told = self.answers.take();
        assert_eq!(told.len(), 1);
        let Some(Told::Answer { number: 1, answer, .. }) = told.into_iter().next() else {
            panic!("an answer")
        };
        assert_eq!(self.tenant.take_open(1), Some(call));
        self.tenant.reply(call, answer, SECOND);
        wakes
    }
}

#[tokio::test]
async fn g25_that_a_lease_was_renewed_wakes_nobody_and_all_other_answers_do() {
    let taken = || LeaseError::Taken { by: "another".to_owned(), left: None };
    let mut rig = Rig::new();
    assert!(rig.asks(Call::Acquire, Err(taken())).await);
    assert!(rig.asks(Call::Acquire, Ok(())).await);
    assert!(!rig.asks(Call::Renew, Ok(())).await);
    assert!(rig.asks(Call::Renew, Err(taken())).await);
    assert!(rig.asks(Call::Release, Ok(())).await);
}

#[tokio::test]
async fn g25_that_a_trouble_is_over_is_shown_at_once() {
    let mut rig = Rig::new();
    assert!(rig.asks(Call::Renew, Err(LeaseError::away("rehearsed"))).await);
    assert_eq!(rig.seen.borrow().error.as_deref(), Some("rehearsed"));
    assert!(rig.asks(Call::Renew, Ok(())).await, "it is to be shown");
    assert_eq!(rig.seen.borrow().error, None);
    assert!(!rig.asks(Call::Renew, Ok(())).await);
}
