//! Stores that are asked whether they can be used, before anything of their services begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::AbortHandle;
use tokio::sync::Semaphore;

use super::agenda::Agenda;
use super::answer::Answer;
use super::answers::Teller;
use super::errors::LeaseRefusedError;
use super::news::LeaseNews;
use super::spec::Lease;
use super::stores::Stores;
use super::tenant::Told;
use crate::base::Name;
use crate::lifecycle::ServiceIx;

/// So many are asked at once: each may take a connection of its own.
const AT_ONCE: usize = 8;

/// What a service that is to be checked is called, and its lease.
pub(super) struct Subject {
    pub(super) service: Name,
    pub(super) lease: Lease,
}

struct Open {
    subject: Subject,
    number: u64,
    asked: AbortHandle,
}

pub(super) struct Checks {
    open: BTreeMap<ServiceIx, Open>,
    agenda: Agenda,
    turns: Arc<Semaphore>,
}

impl Checks {
    pub(super) fn new() -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { open: BTreeMap::new(), agenda: Agenda::default(), turns }
    }

    /// Asks a store, in place of what is still open. Who has not answered by then is away.
    pub(super) fn ask(
        &mut self,
        (ix, number): (ServiceIx, u64),
        subject: Subject,
        until: Duration,
        stores: &mut Stores,
        teller: &Arc<Teller<Told>>,
    ) {
        let (store, turns, teller) =
            (Arc::clone(&subject.lease.store), Arc::clone(&self.turns), Arc::clone(teller));
        let asked = async move {
            // It is never closed.
            let turn = turns.acquire().await;
            let answer = Answer::of(store.check().await.map(|()| 0));
            drop(turn);
            teller.tell(Told::Checked { ix, number, answer });
        };
        if let Some(before) = self.open.insert(ix, Open { subject, number, asked: stores.ask(asked) }) {
            before.asked.abort();
        }
        self.agenda.set(ix, Some(until));
    }

    /// When something is due.
    pub(super) fn first(&self) -> Option<Duration> {
        self.agenda.first()
    }

    /// What a store answered, where it was still waited for.
    pub(super) fn answered(&mut self, ix: ServiceIx, number: u64, answer: &Answer) -> Option<LeaseNews> {
        self.open.get(&ix).filter(|open| open.number == number)?;
        let Subject { service, lease } = self.close(ix)?;
        Some(match answer {
            Answer::Refused(error) => {
                let (lease, error) = (Name::clone(&lease.name), Arc::clone(error));
                LeaseNews::Refused(LeaseRefusedError { service, lease, error })
            }
            Answer::Done(_) | Answer::Away(_) | Answer::Taken { .. } => LeaseNews::Checked,
        })
    }

    /// Those whose stores have not answered in time.
    pub(super) fn overdue(&mut self, now: Duration) -> Vec<ServiceIx> {
        let overdue = self.agenda.until(now);
        for ix in &overdue {
            self.close(*ix);
        }
        overdue
    }

    fn close(&mut self, ix: ServiceIx) -> Option<Subject> {
        self.agenda.set(ix, None);
        let open = self.open.remove(&ix)?;
        open.asked.abort();
        Some(open.subject)
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        for open in self.open.values() {
            open.asked.abort();
        }
    }
}
