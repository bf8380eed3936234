//! Naming actors.

use std::fmt;

use crate::events::Name;
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
    pub(crate) fn new(tag: Tag, service: &Name, resource: Option<&Name>, thread: &Thread) -> Self {
        let thread = thread.name().unwrap_or_else(|| "a thread".into());
        Self { tag: Some(tag), service: service.clone(), resource: resource.cloned(), thread }
    }

    /// A service that was not started.
    pub(crate) fn not_started(service: &Name) -> Self {
        Self { tag: None, service: service.clone(), resource: None, thread: "".into() }
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
