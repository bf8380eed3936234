//! What befalls an actor while it handles something, in a rehearsal. Cargo feature `testing`.

use std::future::pending;

use actix::{Actor, ActorContext, Context, MailboxError};
use tokio::sync::oneshot;

use super::control::{Answer, Request};
use super::lane::{Handle, Lane};

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
pub(crate) type Disturb = Box<dyn Fn(Disturbance) -> Request + Send + Sync>;

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
    pub(crate) fn disturbed(&self, by: Disturbance) -> Request {
        let lane = self.clone();
        Box::new(move || {
            let (sender, receiver) = oneshot::channel::<Answer>();
            let handle: Handle<A> = Box::new(move |_, ctx| {
                // Dropped unused, as the sender of a handler that panics is.
                let _sender = sender;
                by.befall(ctx);
            });
            lane.push(handle);
            Box::pin(async { receiver.await.unwrap_or(Err(MailboxError::Closed)) })
        })
    }
}

/// The same as something that nobody asked for: it owes no answer, so what it does to the actor is the actor's own.
pub(crate) fn unasked(request: Request) -> Request {
    Box::new(move || {
        drop(request());
        Box::pin(pending())
    })
}
