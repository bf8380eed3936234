//! Naming actors.

use std::fmt;
use std::sync::Arc;

use crate::events::Name;
use crate::manager::engine::service_slot::Seat;
use crate::manager::engine::shell::Shell;
use crate::service::Started;
use crate::supervision::{Tag, Thread};

/// An actor of a manager, as it is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who {
    /// `None`: it is to be started yet.
    pub(crate) tag: Option<Tag>,
    pub(crate) service: Name,
    pub(crate) resource: Option<Name>,
    pub(crate) thread: Name,
}

impl Who {
    fn new(tag: Tag, service: &Name, resource: Option<&Name>, thread: &Thread) -> Self {
        let thread = thread.name().unwrap_or_else(|| "a thread".into());
        Self { tag: Some(tag), service: service.clone(), resource: resource.cloned(), thread }
    }

    /// A service that was not started.
    pub(crate) fn unborn(service: &Name) -> Self {
        Self { tag: None, service: service.clone(), resource: None, thread: "".into() }
    }

    fn of_resource(seat: &Seat, started: &Started) -> Self {
        Self::new(started.tag, &seat.id, Some(&started.name), &started.thread)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.resource {
            Some(resource) => write!(f, "{}, resource {resource}", self.service),
            None => f.write_str(&self.service),
        }
    }
}

impl Seat {
    pub(crate) fn resource_whos(&self) -> impl Iterator<Item = Who> {
        self.resources.iter().map(|started| Who::of_resource(self, started))
    }

    pub(crate) fn who(&self) -> Option<Who> {
        self.lives.as_ref().map(|lives| Who::new(lives.tag, &self.id, None, &lives.thread))
    }
}

impl Shell {
    /// What an actor is called.
    pub(crate) fn who(&self, tag: Tag) -> Option<Who> {
        self.services.iter().find_map(|seat| {
            if seat.lives.as_ref().is_some_and(|lives| lives.tag == tag) {
                return seat.who();
            }
            let resource = seat.resources.iter().find(|started| started.tag == tag)?;
            Some(Who::of_resource(seat, resource))
        })
    }

    /// Those on a thread who were woken and have not been polled since.
    pub(crate) fn woken_on(&self, thread: &Arc<Thread>) -> Vec<Who> {
        let mut woken = Vec::new();
        for seat in &self.services {
            let lives = seat.lives.as_ref().filter(|lives| Arc::ptr_eq(&lives.thread, thread));
            woken.extend(lives.filter(|lives| lives.links.control.is_woken()).and_then(|_| seat.who()));
            let resources = seat.resources.iter().filter(|started| Arc::ptr_eq(&started.thread, thread));
            let resources = resources.filter(|started| started.control.is_woken());
            woken.extend(resources.map(|started| Who::of_resource(seat, started)));
        }
        woken
    }
}
