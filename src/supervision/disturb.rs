//! What befalls an actor while it handles something, in a rehearsal. Cargo feature `testing`.

use std::future::pending;

use actix::{Actor, ActorContext, Context};

use super::control::Request;
use super::lane::Lane;

/// What the message of every panic that is none in earnest begins with.
pub(crate) const REHEARSED: &str = "rehearsed: ";

/// How a handler fails its actor.
#[derive(Debug, Clone)]
pub(crate) enum Disturbance {
    /// It panics with this text.
    Panic(String),
    /// It stops the actor, and answers nothing.
    End,
}

/// The way to disturb an actor of any type: by a request that takes the place of another.
pub(crate) type Disturb = fn(Disturbance) -> Request;

impl Disturbance {
    fn befall<A: Actor<Context = Context<A>>>(self, ctx: &mut Context<A>) {
        match self {
            Self::Panic(text) => panic!("{text}"),
            Self::End => ctx.terminate(),
        }
    }
}

impl<A: Actor<Context = Context<A>>> Lane<A> {
    /// A request whose handler fails the actor.
    pub(crate) fn disturbed(by: Disturbance) -> Request {
        Self::letter(move |_, ctx| {
            by.befall(ctx);
            None
        })
    }
}

/// The same as something that nobody asked for: it owes no answer, so what it does to the actor is the actor's own.
pub(crate) fn unasked(request: Request) -> Request {
    Box::new(move |lane| {
        drop(request(lane));
        Box::pin(pending())
    })
}
