//! A service's lease, as the thread of leases keeps it: its keeper, the request that is open, and what was heard last.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::AbortHandle;

use super::answer::Answer;
use super::answers::Teller;
use super::spec::Lease;
use super::store::LeaseRequest;
use super::stores::Stores;
use super::view::{self, Heard, ViewSender};
use crate::base::Name;
use crate::lifecycle::{Call, LeaseKeeper, LeaseTerms, ServiceIx, StoreReply};

/// How long the giving back may take: whoever stops waits for it.
const RELEASE: Duration = Duration::from_secs(1);

/// What a store told.
pub(super) enum Told {
    Answer {
        ix: ServiceIx,
        number: u64,
        answer: Answer,
    },
    /// Whether it can be used.
    Checked {
        ix: ServiceIx,
        number: u64,
        answer: Answer,
    },
    /// The lease may be free.
    Hint {
        ix: ServiceIx,
        number: u64,
    },
}

/// A request whose answer is waited for.
struct Open {
    call: Call,
    number: u64,
    /// When it is waited for no longer.
    until: Duration,
    asked: AbortHandle,
}

pub(super) struct Tenant {
    pub(super) service: Name,
    pub(super) lease: Lease,
    pub(super) keeper: LeaseKeeper,
    terms: LeaseTerms,
    request: LeaseRequest,
    open: Option<Open>,
    watch: Option<(u64, AbortHandle)>,
    /// What was heard of the store last, when it did not do what it was asked.
    pub(super) trouble: Option<Arc<str>>,
    /// What others may see of it.
    view: ViewSender,
}

impl Tenant {
    pub(super) fn new(
        service: Name,
        lease: Lease,
        terms: LeaseTerms,
        holder: String,
        view: ViewSender,
    ) -> Self {
        let request = LeaseRequest::new(Arc::clone(&lease.name), holder, terms.ttl());
        let keeper = LeaseKeeper::new(terms);
        Self { service, lease, keeper, terms, request, open: None, watch: None, trouble: None, view }
    }

    /// How long the process may take to end, where nothing else is left.
    pub(super) fn end_within(&self) -> Duration {
        self.terms.end()
    }

    /// Asks the store, in place of what is still open.
    pub(super) fn send(
        &mut self,
        (ix, number): (ServiceIx, u64),
        call: Call,
        now: Duration,
        stores: &mut Stores,
        teller: &Arc<Teller<Told>>,
    ) {
        self.close();
        let (store, request, teller) =
            (Arc::clone(&self.lease.store), self.request.clone(), Arc::clone(teller));
        // What is shown says at once that a trouble is over.
        let may_wait = call.done_may_wait() && self.view.borrow().error.is_none();
        let asked = async move {
            let result = match call {
                Call::Acquire => store.acquire(request).await.map(|grant| grant.epoch),
                Call::Renew => store.renew(request).await.map(|()| 0),
                Call::Release => store.release(request).await.map(|()| 0),
            };
            let answer = Answer::of(result);
            let may_wait = may_wait && matches!(answer, Answer::Done(_));
            let told = Told::Answer { ix, number, answer };
            if may_wait { teller.leave(told) } else { teller.tell(told) }
        };
        let most = if call == Call::Release { self.terms.call().min(RELEASE) } else { self.terms.call() };
        self.open = Some(Open { call, number, until: now + most, asked: stores.ask(asked) });
    }

    /// The request that the answer of that number is of.
    pub(super) fn take_open(&mut self, number: u64) -> Option<Call> {
        self.open.take_if(|open| open.number == number).map(|open| open.call)
    }

    /// The request that has lasted too long.
    pub(super) fn take_overdue(&mut self, now: Duration) -> Option<Call> {
        let open = self.open.take_if(|open| open.until <= now)?;
        open.asked.abort();
        let error: Arc<str> = "the store did not answer in time".into();
        self.trouble = Some(Arc::clone(&error));
        self.note(open.call, Heard::Failed(error), now);
        Some(open.call)
    }

    /// What the keeper is to know of it.
    pub(super) fn reply(&mut self, call: Call, answer: Answer, now: Duration) -> StoreReply {
        let (text, heard, reply) = match answer {
            Answer::Done(epoch) => {
                self.note(call, Heard::Done, now);
                return StoreReply::Done(epoch);
            }
            Answer::Taken { by, left, text } => (text, Heard::Taken { by, left }, StoreReply::Taken(left)),
            Answer::Away(text) => (Arc::clone(&text), Heard::Failed(text), StoreReply::Away),
            Answer::Refused(text) => (Arc::clone(&text), Heard::Failed(text), StoreReply::Refused),
        };
        self.trouble = Some(text);
        self.note(call, heard, now);
        reply
    }

    fn note(&self, call: Call, heard: Heard, now: Duration) {
        view::note(&self.view, &self.request.holder, call, heard, now);
    }

    /// Has others see until when it has the lease.
    pub(super) fn show_until(&self) {
        view::note_until(&self.view, self.keeper.held_until());
    }

    pub(super) fn trouble(&self) -> Arc<str> {
        self.trouble.clone().unwrap_or_else(|| "nothing was heard of the store".into())
    }

    /// Has the store say when the lease may be free, once at a time.
    pub(super) fn watch(
        &mut self,
        (ix, number): (ServiceIx, u64),
        stores: &mut Stores,
        teller: &Arc<Teller<Told>>,
    ) {
        if self.watch.is_some() {
            return;
        }
        let (store, request, teller) =
            (Arc::clone(&self.lease.store), self.request.clone(), Arc::clone(teller));
        let watched = async move {
            store.watch(request).await;
            teller.tell(Told::Hint { ix, number });
        };
        self.watch = Some((number, stores.ask(watched)));
    }

    /// Whether the hint of that number is of the watch that there is.
    pub(super) fn take_watch(&mut self, number: u64) -> bool {
        self.watch.take_if(|(watch, _)| *watch == number).is_some()
    }

    /// When something is due.
    pub(super) fn wakes_at(&self) -> Option<Duration> {
        let open = self.open.as_ref().map(|open| open.until);
        self.keeper.wakes_at().into_iter().chain(open).min()
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            open.asked.abort();
        }
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        self.close();
        if let Some((_, watch)) = self.watch.take() {
            watch.abort();
        }
    }
}
