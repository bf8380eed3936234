//! Hands a manager's messages to an actor ahead of its mailbox, and brings the responses back.
//!
//! ```text
//!   request --made on the actor's thread--> envelope --before the mailbox--> handler
//!                                                                             |
//!   answer <-- the response itself, or its future, which is polled as it is --'
//! ```
//!
//! An actor that is started again finds its mailbox as it left it, and may be sent messages before it is set up for the first
//! time: so what its manager sends goes past the queue. It waits for what the actor has its context wait for. And a
//! mailbox would have the future of a response spawned, as a task of its own among those of the actor. Here it is known what type a
//! response is of.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use actix::dev::MessageResponse;
use actix::fut::ActorFuture;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, MailboxError, Message, ResponseFuture};
use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::control::{Answer, Request};
use crate::base::BoxError;
use crate::base::downcast;

type Response = Result<(), BoxError>;

/// Handles one message.
type Envelope<A> = Box<dyn FnOnce(&mut A, &mut Context<A>)>;

/// Messages that an actor handles at its next poll.
pub(crate) struct PriorityInbox<A: Actor<Context = Context<A>>>(SmallVec<[Envelope<A>; 1]>);

/// What a handler returned.
pub(super) enum HandlerResult {
    Now(Response),
    Later(ResponseFuture<Response>),
    /// Sent by actix itself.
    Sent(oneshot::Receiver<Response>),
}

impl<A: Actor<Context = Context<A>>> PriorityInbox<A> {
    pub(super) fn new() -> Self {
        Self(SmallVec::new())
    }

    /// A request for an actor of this type, by a message that is made where it is handled.
    pub(crate) fn request<M>(message: impl FnOnce() -> M + Send + 'static) -> Request
    where
        A: Handler<M>,
        M: Message<Result = Response> + Send + 'static,
    {
        Self::from_handler(move |actor, ctx| Some(respond(actor, message(), ctx)))
    }

    /// A request that is handled so; `None` is no response.
    pub(super) fn from_handler(
        handle: impl FnOnce(&mut A, &mut Context<A>) -> Option<HandlerResult> + Send + 'static,
    ) -> Request {
        Box::new(move |inbox| {
            let (sender, result) = oneshot::channel();
            // That of another type would be a mistake of ours: then nobody responds.
            if let Some(Self(envelopes)) = inbox.downcast_mut() {
                envelopes.push(Box::new(move |actor, ctx| {
                    if let Some(response) = handle(actor, ctx) {
                        let _ = sender.send(response);
                    }
                }));
            }
            Box::pin(answer(result))
        })
    }

    /// Has the actor handle the messages that arrived. A stopping actor handles none.
    #[inline]
    pub(super) fn deliver_to(&mut self, ctx: &mut Context<A>) {
        if self.0.is_empty() {
            return;
        }
        let envelopes = std::mem::take(&mut self.0);
        if ctx.state().alive() {
            ctx.wait(Handling(envelopes));
        }
    }

    /// Drops what was not handled.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

async fn answer(result: oneshot::Receiver<HandlerResult>) -> Answer {
    match result.await.map_err(|_| MailboxError::Closed)? {
        HandlerResult::Now(response) => Ok(response),
        HandlerResult::Later(response) => Ok(response.await),
        HandlerResult::Sent(response) => response.await.map_err(|_| MailboxError::Closed),
    }
}

fn respond<A, M>(actor: &mut A, message: M, ctx: &mut Context<A>) -> HandlerResult
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message<Result = Response> + 'static,
{
    let response = match downcast(<A as Handler<M>>::handle(actor, message, ctx)) {
        Ok(response) => return HandlerResult::Now(response),
        Err(another) => another,
    };
    match downcast(response) {
        Ok(response) => HandlerResult::Later(response),
        Err(another) => {
            let (sender, receiver) = oneshot::channel();
            another.handle(ctx, Some(sender));
            HandlerResult::Sent(receiver)
        }
    }
}

/// Handles messages as soon as the actor lets it.
struct Handling<A: Actor<Context = Context<A>>>(SmallVec<[Envelope<A>; 1]>);

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
