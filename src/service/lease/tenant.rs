//! A service's lease, as the thread of leases keeps it: its keeper, the request that is open, and what was heard last.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::errors::LeaseError;
use super::spec::Lease;
use super::store::LeaseRequest;
use super::view::{self, Heard, ViewSender};
use crate::base::{Name, peer_text};
use crate::lifecycle::{Call, LeaseKeeper, LeaseTerms, ServiceIx, StoreReply};

/// How long the giving back may take: whoever stops waits for it.
const RELEASE: Duration = Duration::from_secs(1);

/// What a store told.
pub(super) enum Told {
    Answer {
        ix: ServiceIx,
        number: u64,
        result: Result<u64, LeaseError>,
    },
    /// Whether it can be used.
    Checked {
        ix: ServiceIx,
        number: u64,
        result: Result<(), LeaseError>,
    },
    /// The lease may be free.
    Hint {
        ix: ServiceIx,
        number: u64,
    },
}

/// What a store says of a failure, as far as others are shown it.
pub(super) fn shown(error: &impl std::fmt::Display) -> Arc<str> {
    peer_text::shown_within(&error.to_string(), 1024).into()
}

/// A request whose answer is waited for.
struct Open {
    call: Call,
    number: u64,
    /// When it is waited for no longer.
    until: Duration,
    task: AbortHandle,
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
        stores: &Handle,
        tell: &mpsc::UnboundedSender<Told>,
    ) {
        self.close();
        let (store, request, tell) = (Arc::clone(&self.lease.store), self.request.clone(), tell.clone());
        let asked = async move {
            let result = match call {
                Call::Acquire => store.acquire(request).await.map(|grant| grant.epoch),
                Call::Renew => store.renew(request).await.map(|()| 0),
                Call::Release => store.release(request).await.map(|()| 0),
            };
            let _ = tell.send(Told::Answer { ix, number, result });
        };
        let most = if call == Call::Release { self.terms.call().min(RELEASE) } else { self.terms.call() };
        let task = stores.spawn(asked).abort_handle();
        self.open = Some(Open { call, number, until: now + most, task });
    }

    /// The request that the answer of that number is of.
    pub(super) fn take_open(&mut self, number: u64) -> Option<Call> {
        self.open.take_if(|open| open.number == number).map(|open| open.call)
    }

    /// The request that has lasted too long.
    pub(super) fn take_overdue(&mut self, now: Duration) -> Option<Call> {
        let open = self.open.take_if(|open| open.until <= now)?;
        open.task.abort();
        let error: Arc<str> = "the store did not answer in time".into();
        self.trouble = Some(Arc::clone(&error));
        self.note(open.call, Heard::Failed(error), now);
        Some(open.call)
    }

    /// What the keeper is to know of it.
    pub(super) fn reply(&mut self, call: Call, result: Result<u64, LeaseError>, now: Duration) -> StoreReply {
        let error = match result {
            Ok(epoch) => {
                self.note(call, Heard::Done, now);
                return StoreReply::Done(epoch);
            }
            Err(error) => error,
        };
        let text = shown(&error);
        self.trouble = Some(Arc::clone(&text));
        let (heard, reply) = match error {
            LeaseError::Taken { by, left } => {
                (Heard::Taken { by: peer_text::shown(&by).to_string().into(), left }, StoreReply::Taken(left))
            }
            LeaseError::Away(_) => (Heard::Failed(text), StoreReply::Away),
            LeaseError::Refused(_) => (Heard::Failed(text), StoreReply::Refused),
        };
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
        stores: &Handle,
        tell: &mpsc::UnboundedSender<Told>,
    ) {
        if self.watch.is_some() {
            return;
        }
        let (store, request, tell) = (Arc::clone(&self.lease.store), self.request.clone(), tell.clone());
        let watched = async move {
            store.watch(request).await;
            let _ = tell.send(Told::Hint { ix, number });
        };
        self.watch = Some((number, stores.spawn(watched).abort_handle()));
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
            open.task.abort();
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
