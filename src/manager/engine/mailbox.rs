//! The messages of a manager's users: packed on the sender's thread, counted until they have been handled.
//!
//! The context is the manager's own. That of actix handles a mailbox until it is empty before it polls anything else
//! (measured: 64 tasks that ask in turn, and neither a timer nor a signal was heard of for 15 s); see `manager_loop.rs`.

use actix::dev::{Envelope, EnvelopeProxy, MessageResponse, OneshotSender, ToEnvelope};
use actix::{Actor, ActorContext, ActorState, Handler, Message};

use super::backpressure::Backlog;

/// What waits for all managers of the process: who packs a message does not learn for which.
static BACKLOG: Backlog = Backlog::new();

/// The context of a manager. A manager ends with its work and the last of its addresses, not by being stopped.
#[derive(Debug)]
pub struct ManagerContext(());

impl ManagerContext {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl ActorContext for ManagerContext {
    fn stop(&mut self) {}

    fn terminate(&mut self) {}

    fn state(&self) -> ActorState {
        ActorState::Running
    }
}

impl<A, M> ToEnvelope<A, M> for ManagerContext
where
    A: Actor<Context = ManagerContext> + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn pack(message: M, asker: Option<OneshotSender<M::Result>>) -> Envelope<A> {
        Envelope::with_proxy(Box::new(Packed { message: Some(message), asker, counted: Counted::new() }))
    }
}

/// A message, and who is to be answered.
struct Packed<M: Message> {
    message: Option<M>,
    asker: Option<OneshotSender<M::Result>>,
    /// Dropped with it, whether it has been handled or not.
    counted: Counted,
}

struct Counted;

impl Counted {
    fn new() -> Self {
        BACKLOG.enter();
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        BACKLOG.leave();
    }
}

impl<A, M> EnvelopeProxy<A> for Packed<M>
where
    A: Actor<Context = ManagerContext> + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn handle(&mut self, manager: &mut A, ctx: &mut ManagerContext) {
        let asker = self.asker.take();
        if asker.as_ref().is_some_and(OneshotSender::is_closed) {
            // As in any actor: what nobody waits for any more is not handled.
            return;
        }
        if let Some(message) = self.message.take() {
            Handler::handle(manager, message, ctx).handle(ctx, asker);
        }
        let _ = &self.counted;
    }
}
