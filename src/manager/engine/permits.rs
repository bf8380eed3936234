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

use super::inbox::{Generation, ManagerInput};
use super::notices::departure;
use super::shell::Shell;
use crate::events::Name;
use crate::lifecycle::{Command, Input, Repeat, ServiceIx, Step};
use crate::manager::observe::event_log::Detail;
use crate::service::{Provided, Registry};
use crate::supervision::{Control, Gone, LateOrders, NextLife, Notice, Observer};

/// The permits of a manager.
#[derive(Default)]
pub(crate) struct Permits {
    table: Arc<PermitTable>,
    /// Those that are granted, or taken and not heard of. Without any there is nothing to be locked.
    out: usize,
}

#[derive(Default)]
struct PermitTable(Mutex<Entries>);

#[derive(Default)]
pub(super) struct Entries {
    granted: HashMap<ServiceIx, Granted>,
    taken: Vec<Taken>,
}

/// What an actor needs that begins its next life.
pub(super) struct Granted {
    generation: Generation,
    next_life: NextLife,
    control: Arc<Control>,
    /// Of the life that will be over.
    registry: Arc<Registry>,
    id: Name,
    provided: Provided,
}

pub(super) struct Taken(ServiceIx, Gone);

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
    fn take(
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

    fn grant(&mut self, ix: ServiceIx, granted: Granted) {
        let before = self.table.lock().granted.insert(ix, granted);
        self.out += usize::from(before.is_none());
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

impl Shell {
    /// What the actor of a service is observed by. Where the rules may permit it anything, what it tells is counted.
    pub(super) fn observer(
        &self,
        ix: ServiceIx,
        generation: Generation,
        notices: Option<Arc<NoticeCount>>,
    ) -> Observer {
        let sender = self.sender.clone();
        let Some(notices) = notices else {
            return Box::new(move |notice| {
                sender.send(ManagerInput::Service(ix, generation, notice));
                None
            });
        };
        let table = Arc::clone(&self.permits.table);
        Box::new(move |notice| {
            let notice = match notice {
                Notice::Suspended(gone) if !matches!(gone, Gone::Dismissed) => {
                    match table.take(ix, generation, &notices, gone) {
                        Ok(next_life) => {
                            sender.send(ManagerInput::StartedOver);
                            return Some(next_life);
                        }
                        Err(gone) => Notice::Suspended(gone),
                    }
                }
                notice => notice,
            };
            notices.note_told();
            sender.send(ManagerInput::Service(ix, generation, notice));
            None
        })
    }

    /// The rules permit a restart. It may be declined: then the service asks when it fails, as any other.
    pub(crate) fn permit(&mut self, ix: ServiceIx) {
        #[cfg(feature = "testing")]
        if self.fault.is_some() {
            // What is to go wrong is a matter of what the manager sends.
            return;
        }
        let slot = &self.services[ix.0 as usize];
        let simple = slot.branch.is_none() && slot.replacement.is_none();
        // It may be withdrawn by now.
        if !simple || !self.machine.is_permitted(ix) {
            return;
        }
        let (Some(actor), Some(registry)) = (&slot.actor, &slot.registry) else { return };
        if actor.notices.is_none() {
            return;
        }
        let (generation, control) = (actor.generation, Arc::clone(&actor.handle.control));
        let (registry, id, provided) = (Arc::clone(registry), slot.id.clone(), self.provided.clone());
        let life = self.prepare_life(ix);
        let Some(request) = self.request(ix, Step::Setup, &life.signal, &life.registry) else { return };
        let Some(reply) = self.reply_to(ix, Step::Setup) else { return };
        let next_life = NextLife::new(request, reply);
        self.service(ix).next_life = Some(Box::new(life));
        self.permits.grant(ix, Granted { generation, next_life, control, registry, id, provided });
    }

    /// Without a step of the rules.
    pub(crate) fn revoke_permit(&mut self, ix: ServiceIx) {
        let revoked = self.permits.table.lock().granted.remove(&ix);
        self.permits.are_over(usize::from(revoked.is_some()));
        self.hear_permits();
    }

    /// Hears of the permits that were taken.
    pub(crate) fn hear_permits(&mut self) {
        let taken = self.permits.table.lock().take_taken();
        self.hear_first(taken);
        self.feed_queued();
    }

    /// What was taken comes before all that is to be fed to the rules.
    pub(super) fn hear_first(&mut self, taken: Vec<Taken>) {
        self.permits.are_over(taken.len());
        for Taken(ix, gone) in taken.into_iter().rev() {
            let (departure, detail) = departure(gone);
            self.inputs.push_front((Input::StartedOver(ix, departure), detail));
            if let Some(forgotten) = self.forgotten_restarts(ix) {
                let input = Input::Forgotten(ix, Repeat::Restart, forgotten);
                self.inputs.push_front((input, Detail::None));
            }
        }
    }

    /// A service has begun its next life: what belongs to its life is that which was made ready.
    pub(crate) fn adopt(&mut self, ix: ServiceIx) {
        self.leave_life(ix);
        if let Some(life) = self.service(ix).next_life.take() {
            self.enter_life(ix, *life);
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
