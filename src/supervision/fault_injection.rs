//! Injects faults into an actor while it handles a message. Cargo feature `testing`.

use std::future::pending;

use actix::{Actor, ActorContext, Context};

use super::control::Request;
use super::priority_inbox::PriorityInbox;

/// How a handler fails its actor.
#[derive(Debug, Clone)]
pub(crate) enum InjectedFault {
    /// It panics with this text.
    Panic(String),
    /// It stops the actor, and answers nothing.
    End,
}

/// Makes a request that fails an actor of any type, in place of another request.
pub(crate) type InjectFault = fn(InjectedFault) -> Request;

impl InjectedFault {
    fn apply<A: Actor<Context = Context<A>>>(self, ctx: &mut Context<A>) {
        match self {
            Self::Panic(text) => panic!("{text}"),
            Self::End => ctx.terminate(),
        }
    }
}

impl<A: Actor<Context = Context<A>>> PriorityInbox<A> {
    /// A request whose handler fails the actor.
    pub(crate) fn with_fault(by: InjectedFault) -> Request {
        Self::from_handler(move |_, ctx| {
            by.apply(ctx);
            None
        })
    }
}

/// The same request without a reply: the failure counts as the actor's own.
pub(crate) fn unasked(request: Request) -> Request {
    Box::new(move |inbox| {
        drop(request(inbox));
        Box::pin(pending())
    })
}
