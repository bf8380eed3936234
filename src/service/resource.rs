//! Something that a service must give back: its trait, its one message, and how it is handed over.

use actix::{Actor, Context, Handler, Message};

use super::signal::ShutdownSignal;
use crate::base::BoxError;

/// Something that a service must give back.
///
/// It lives on a thread apart from services, so that no blocked service keeps it from its release.
/// [`Release`] is sent once, when no service runs any more, to the last started of a service's resources
/// first; its answer is the acknowledgement. A resource that dies while its service is needed fails it.
pub trait Resource: Actor<Context = Context<Self>> + Handler<Release> {}

/// Give the resource back. Sent once; the answer is the acknowledgement, after which the actor is ended.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), BoxError>")]
pub struct Release {
    /// Tells how much time there is.
    pub shutdown: ShutdownSignal,
}

/// A resource and how it is to be looked after. Wherever a resource is expected, one of these may be given;
/// a plain actor is as good as `ResourceSpec::new(actor)`.
#[must_use = "a resource does nothing until it is started"]
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

impl<R> std::fmt::Debug for ResourceSpec<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResourceSpec").field("dedicated", &self.dedicated).finish_non_exhaustive()
    }
}
