//! Naming actors.

use std::fmt;
use std::sync::Arc;

use crate::events::Name;
use crate::manager::engine::service_slot::ServiceSlot;
use crate::manager::engine::shell::Shell;
use crate::service::Started;
use crate::supervision::{Tag, Thread};

/// An actor of a manager, as it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ActorLabel {
    /// `None`: it is to be started yet.
    pub(crate) tag: Option<Tag>,
    pub(crate) service: Name,
    pub(crate) resource: Option<Name>,
    pub(crate) thread: Name,
}

impl ActorLabel {
    fn new(tag: Tag, service: &Name, resource: Option<&Name>, thread: &Thread) -> Self {
        let thread = thread.name().unwrap_or_else(|| "a thread".into());
        Self { tag: Some(tag), service: service.clone(), resource: resource.cloned(), thread }
    }

    /// A service that was not started.
    pub(crate) fn not_started(service: &Name) -> Self {
        Self { tag: None, service: service.clone(), resource: None, thread: "".into() }
    }

    fn of_resource(slot: &ServiceSlot, started: &Started) -> Self {
        Self::new(started.tag, &slot.id, Some(&started.name), &started.thread)
    }
}

impl fmt::Display for ActorLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.resource {
            Some(resource) => write!(f, "{}, resource {resource}", self.service),
            None => f.write_str(&self.service),
        }
    }
}

impl ServiceSlot {
    pub(crate) fn resource_labels(&self) -> impl Iterator<Item = ActorLabel> {
        self.resources.iter().map(|started| ActorLabel::of_resource(self, started))
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
            Some(ActorLabel::of_resource(slot, resource))
        })
    }

    /// Those on a thread who were woken and have not been polled since.
    pub(crate) fn woken_on(&self, thread: &Arc<Thread>) -> Vec<ActorLabel> {
        let mut woken = Vec::new();
        for slot in &self.services {
            let actor = slot.actor.as_ref().filter(|actor| Arc::ptr_eq(&actor.thread, thread));
            woken.extend(actor.filter(|actor| actor.handle.control.is_woken()).and_then(|_| slot.label()));
            let resources = slot.resources.iter().filter(|started| Arc::ptr_eq(&started.thread, thread));
            let resources = resources.filter(|started| started.control.is_woken());
            woken.extend(resources.map(|started| ActorLabel::of_resource(slot, started)));
        }
        woken
    }
}
