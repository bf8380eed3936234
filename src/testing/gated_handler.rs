//! How scripted actors act: at once, or once they are let through a gate.

use std::future::pending;

use actix::dev::ToEnvelope;
use actix::{Actor, AsyncContext, Context, Handler, Message, ResponseFuture};

use super::gate::Gate;
use crate::base::BoxError;

/// What a script does in a handler: where a panic ends the actor, and a block holds up its thread.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Begin(pub(super) Box<dyn FnOnce() + Send>);

/// Begins in this handler, and finishes in its future; or stands at the gate in that future, and then does both.
pub(super) fn act<A>(
    gate: Option<&Gate>,
    ctx: &Context<A>,
    begin: impl FnOnce() + Send + 'static,
    finish: impl Future<Output = Result<(), BoxError>> + 'static,
) -> ResponseFuture<Result<(), BoxError>>
where
    A: Actor<Context = Context<A>> + Handler<Begin>,
    Context<A>: ToEnvelope<A, Begin>,
{
    let Some(gate) = gate.cloned() else {
        begin();
        return Box::pin(finish);
    };
    let actor = ctx.address();
    Box::pin(async move {
        gate.passed().await;
        if actor.send(Begin(Box::new(begin))).await.is_err() {
            // It has died of it, and so never answers.
            pending::<()>().await;
        }
        finish.await
    })
}
