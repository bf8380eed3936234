//! Messages that an actor handles before those in its mailbox.
//!
//! An actor that is started again finds its mailbox as it left it. It must be set up before it handles any of that: so what
//! its manager sends goes past the queue.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use actix::dev::{MessageResponse, OneshotSender};
use actix::fut::ActorFuture;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, MailboxError, Message};
use tokio::sync::oneshot;

use super::control::Request;
use crate::error::BoxError;

/// Handles one message.
pub(super) type Handle<A> = Box<dyn FnOnce(&mut A, &mut Context<A>) + Send>;

/// The way past an actor's mailbox.
pub(crate) struct Lane<A: Actor<Context = Context<A>>>(Arc<Mutex<Vec<Handle<A>>>>);

impl<A: Actor<Context = Context<A>>> Clone for Lane<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Actor<Context = Context<A>>> Lane<A> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// A request that is handled before what is queued, as of the moment at which it is made.
    pub(crate) fn request<M>(&self, message: impl FnOnce() -> M + Send + 'static) -> Request
    where
        A: Handler<M>,
        M: Message<Result = Result<(), BoxError>> + Send + 'static,
    {
        let lane = self.clone();
        Box::new(move || {
            let (sender, receiver): (OneshotSender<Result<(), BoxError>>, _) = oneshot::channel();
            let handle: Handle<A> = Box::new(move |actor, ctx| {
                let response = <A as Handler<M>>::handle(actor, message(), ctx);
                response.handle(ctx, Some(sender));
            });
            lane.push(handle);
            Box::pin(async move { receiver.await.map_err(|_| MailboxError::Closed) })
        })
    }

    pub(super) fn push(&self, handle: Handle<A>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }

    /// Has the actor handle what has come, before its mailbox.
    pub(super) fn flow_into(&self, ctx: &mut Context<A>) {
        let handles = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if !handles.is_empty() && ctx.state().alive() {
            ctx.wait(Handling(handles));
        }
    }
}

/// Handles messages as soon as the actor is polled.
struct Handling<A: Actor<Context = Context<A>>>(Vec<Handle<A>>);

impl<A: Actor<Context = Context<A>>> ActorFuture<A> for Handling<A> {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        actor: &mut A,
        ctx: &mut Context<A>,
        _: &mut TaskContext<'_>,
    ) -> Poll<()> {
        for handle in std::mem::take(&mut self.0) {
            handle(actor, ctx);
        }
        Poll::Ready(())
    }
}
