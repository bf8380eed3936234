//! Granting permits of a restart, taking them back, and hearing of those that were taken.

use std::sync::Arc;

use super::inbox::{Generation, ManagerInput};
use super::notices::departure;
use super::permits::{Granted, NoticeCount, Taken};
use super::shell::Shell;
use crate::lifecycle::{Commands, Input, Repeat, ServiceIx, Step};
use crate::manager::observe::event_log::Detail;
use crate::supervision::{Gone, NextLife, Notice, Observer};

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
        self.permits.revoke(ix);
        self.hear_permits();
    }

    /// Has the rules take a step, while nobody takes a permit.
    ///
    /// # Errors
    /// What was taken before, and is to be heard of first: then there was no step.
    pub(super) fn take_step(&mut self, input: Input, commands: &mut Commands) -> Result<(), Vec<Taken>> {
        let Some(mut held) = self.permits.hold() else {
            self.machine.take_step(input, commands);
            return Ok(());
        };
        let taken = held.take_taken();
        if !taken.is_empty() {
            drop(held);
            self.permits.are_over(taken.len());
            return Err(taken);
        }
        self.machine.take_step(input, commands);
        let withdrawn = held.withdraw(commands);
        drop(held);
        self.permits.are_over(withdrawn.len());
        Ok(())
    }

    /// Hears of the permits that were taken.
    pub(crate) fn hear_permits(&mut self) {
        let taken = self.permits.taken();
        self.hear_first(taken);
        self.feed_queued();
    }

    /// What was taken comes before all that is to be fed to the rules.
    pub(super) fn hear_first(&mut self, taken: Vec<Taken>) {
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
