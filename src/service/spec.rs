//! How an actor is handed over: by value, or as a closure that makes it where it will live.

use crate::events::Name;
use crate::service::{Resource, Service};

/// A service and how it is to be looked after. Wherever a service is expected, one of these may be given;
/// a plain actor is as good as `ServiceSpec::new(actor)`.
pub struct ServiceSpec<A> {
    pub(crate) id: Name,
    pub(crate) make: Box<dyn FnOnce() -> A + Send>,
    pub(crate) dedicated: bool,
}

impl<A: Service> ServiceSpec<A> {
    /// An actor that may be moved to its thread.
    pub fn new(actor: A) -> Self
    where
        A: Send,
    {
        Self { id: actor.id().into(), make: Box::new(move || actor), dedicated: false }
    }

    /// An actor that is not `Send`: it is made on the thread that it will live on. `id` is what the service
    /// is called, since it must be known before anything is started; the actor's own `id()` is not asked.
    pub fn local(id: impl Into<String>, make: impl FnOnce() -> A + Send + 'static) -> Self {
        Self { id: id.into().into(), make: Box::new(make), dedicated: false }
    }

    /// Gives the service a thread of its own: for actors that must block.
    pub fn dedicated_thread(self) -> Self {
        Self { dedicated: true, ..self }
    }
}

impl<A: Service + Send> From<A> for ServiceSpec<A> {
    fn from(actor: A) -> Self {
        Self::new(actor)
    }
}

/// A resource and how it is to be looked after. Wherever a resource is expected, one of these may be given;
/// a plain actor is as good as `ResourceSpec::new(actor)`.
pub struct ResourceSpec<R> {
    pub(crate) make: Box<dyn FnOnce() -> R + Send>,
    pub(crate) dedicated: bool,
}

impl<R: Resource> ResourceSpec<R> {
    /// An actor that may be moved to its thread.
    pub fn new(actor: R) -> Self
    where
        R: Send,
    {
        Self::local(move || actor)
    }

    /// An actor that is not `Send`: it is made on the thread that it will live on.
    pub fn local(make: impl FnOnce() -> R + Send + 'static) -> Self {
        Self { make: Box::new(make), dedicated: false }
    }

    /// Gives the resource a thread of its own: for actors that must block.
    pub fn dedicated_thread(self) -> Self {
        Self { dedicated: true, ..self }
    }
}

impl<R: Resource + Send> From<R> for ResourceSpec<R> {
    fn from(actor: R) -> Self {
        Self::new(actor)
    }
}

impl<A> std::fmt::Debug for ServiceSpec<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceSpec")
            .field("id", &self.id)
            .field("dedicated", &self.dedicated)
            .finish_non_exhaustive()
    }
}

impl<R> std::fmt::Debug for ResourceSpec<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResourceSpec").field("dedicated", &self.dedicated).finish_non_exhaustive()
    }
}
