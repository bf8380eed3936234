//! Permits of a restart: what the thread of a service finds in place when its actor fails, so that it need not ask.
//!
//! ```text
//!   the manager              a lock                    the service's thread
//!   Permit --------- puts the next life there
//!   a step of the rules ---- held: nobody takes one --- the actor fails: takes it, tells, begins it
//!   Withdraw ------- takes it back, still held
//!   before each step: what was taken is heard first <--'
//! ```
//!
//! So both sides agree: a permit that is withdrawn was not taken, and one that was taken is known to the rules before whatever would have
//! withdrawn it. What was taken is heard ahead of the inbox. That is in order, since it is taken only if all that its actor has told
//! before was heard.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::inbox::Generation;
use crate::events::Name;
use crate::lifecycle::{Command, ServiceIx};
use crate::service::{Provided, Registry};
use crate::supervision::{Control, Gone, LateOrders, NextLife};

/// The permits of a manager.
#[derive(Default)]
pub(crate) struct Permits {
    pub(super) table: Arc<PermitTable>,
    /// Those that are granted, or taken and not heard of. Without any there is nothing to be locked.
    out: usize,
}

#[derive(Default)]
pub(super) struct PermitTable(Mutex<Entries>);

#[derive(Default)]
pub(super) struct Entries {
    granted: HashMap<ServiceIx, Granted>,
    taken: Vec<Taken>,
}

/// What an actor needs that begins its next life.
pub(super) struct Granted {
    pub(super) generation: Generation,
    pub(super) next_life: NextLife,
    pub(super) control: Arc<Control>,
    /// Of the life that will be over.
    pub(super) registry: Arc<Registry>,
    pub(super) id: Name,
    pub(super) provided: Provided,
}

/// A service that has begun its next life, and how the one before it ended.
pub(super) struct Taken(pub(super) ServiceIx, pub(super) Gone);

/// How much an actor has told, and how much of it was heard.
#[derive(Debug, Default)]
pub(crate) struct NoticeCount {
    told: AtomicU64,
    heard: AtomicU64,
}

impl NoticeCount {
    /// On the actor's thread, before it tells something.
    pub(super) fn note_told(&self) {
        self.told.fetch_add(1, Ordering::Relaxed);
    }

    /// The rules have taken it in.
    pub(super) fn note_heard(&self) {
        self.heard.fetch_add(1, Ordering::Release);
    }

    fn all_are_heard(&self) -> bool {
        self.heard.load(Ordering::Acquire) == self.told.load(Ordering::Relaxed)
    }
}

impl PermitTable {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An actor has failed: its next life, if it is permitted to begin that.
    pub(super) fn take(
        &self,
        ix: ServiceIx,
        generation: Generation,
        notices: &NoticeCount,
        gone: Gone,
    ) -> Result<NextLife, Gone> {
        let mut entries = self.lock();
        let fits = |granted: &Granted| {
            granted.generation == generation && notices.all_are_heard() && granted.registry.close_unused()
        };
        if !entries.granted.get(&ix).is_some_and(fits) {
            return Err(gone);
        }
        let Some(granted) = entries.granted.remove(&ix) else { return Err(gone) };
        // Nothing more is sent to the life that is over; what was is not for the next.
        let late: LateOrders = granted.control.take_late();
        entries.taken.push(Taken(ix, gone));
        drop(entries);
        drop(late);
        granted.provided.forget(&granted.id);
        Ok(granted.next_life)
    }
}

impl Permits {
    /// Until it is dropped, nobody takes a permit; `None` where there is none to be taken.
    pub(super) fn hold(&self) -> Option<MutexGuard<'_, Entries>> {
        (self.out > 0).then(|| self.table.lock())
    }

    pub(super) fn grant(&mut self, ix: ServiceIx, granted: Granted) {
        let before = self.table.lock().granted.insert(ix, granted);
        self.out += usize::from(before.is_none());
    }

    /// Takes one back without a step of the rules. It may have been taken.
    pub(super) fn revoke(&mut self, ix: ServiceIx) {
        let revoked = self.table.lock().granted.remove(&ix);
        self.are_over(usize::from(revoked.is_some()));
    }

    /// What was taken and not heard of.
    pub(super) fn taken(&mut self) -> Vec<Taken> {
        let taken = self.table.lock().take_taken();
        self.are_over(taken.len());
        taken
    }

    /// So many are over.
    pub(super) fn are_over(&mut self, count: usize) {
        self.out -= count;
    }
}

impl Entries {
    /// What was taken and not heard of.
    pub(super) fn take_taken(&mut self) -> Vec<Taken> {
        std::mem::take(&mut self.taken)
    }

    /// Takes back what is withdrawn, to be dropped when the lock is free.
    pub(super) fn withdraw(&mut self, commands: &[Command]) -> Vec<Granted> {
        let withdrawn = commands.iter().filter_map(|command| match command {
            Command::Withdraw(ix) => self.granted.remove(ix),
            _ => None,
        });
        withdrawn.collect()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
