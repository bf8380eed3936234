//! What the actors of a shell are called.

use std::sync::Arc;

use super::service_slot::ServiceSlot;
use super::shell::Shell;
use crate::manager::observe::actor_label::ActorLabel;
use crate::service::Started;
use crate::supervision::{Tag, Thread};

fn of_resource(slot: &ServiceSlot, started: &Started) -> ActorLabel {
    ActorLabel::new(started.tag, &slot.id, Some(&started.name), &started.thread)
}

impl ServiceSlot {
    pub(crate) fn resource_labels(&self) -> impl Iterator<Item = ActorLabel> {
        self.resources.iter().map(|started| of_resource(self, started))
    }

    pub(crate) fn label(&self) -> Option<ActorLabel> {
        self.actor.as_ref().map(|actor| ActorLabel::new(actor.tag, &self.id, None, &actor.thread))
    }
}

impl Shell {
    /// What an actor is called.
    pub(crate) fn label(&self, tag: Tag) -> Option<ActorLabel> {
        self.services.iter().find_map(|slot| {
            if slot.actor.as_ref().is_some_and(|actor| actor.tag == tag) {
                return slot.label();
            }
            let resource = slot.resources.iter().find(|started| started.tag == tag)?;
            Some(of_resource(slot, resource))
        })
    }

    /// Actors on a thread that were woken and not polled since.
    pub(crate) fn woken_on(&self, thread: &Arc<Thread>) -> Vec<ActorLabel> {
        let mut woken = Vec::new();
        for slot in &self.services {
            let actor = slot.actor.as_ref().filter(|actor| Arc::ptr_eq(&actor.thread, thread));
            woken.extend(actor.filter(|actor| actor.handle.control.is_woken()).and_then(|_| slot.label()));
            let resources = slot.resources.iter().filter(|started| Arc::ptr_eq(&started.thread, thread));
            let resources = resources.filter(|started| started.control.is_woken());
            woken.extend(resources.map(|started| of_resource(slot, started)));
        }
        woken
    }
}
