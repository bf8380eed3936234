//! New settings while a service runs: asked in two steps, so that either all take them over, or nobody does.
//!
//! ```text
//!   Reload --> PrepareReload to all --all answered Ok--> CommitReload, each after those that it depends on
//!                      |
//!                      '-- somebody did not --> nobody commits, and who asked is told who refused, and why
//! ```

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Message};

use crate::base::BoxError;
use crate::lifecycle::ReloadStep;
use crate::supervision::Request;

/// Read the new settings, check them, and keep them aside: `Ok` promises that they can be taken over. Nothing may change yet.
///
/// What was prepared and not committed, since another service refused, is replaced by the next of these.
#[derive(Debug, Clone, Copy, Default, Message)]
#[rtype(result = "Result<(), BoxError>")]
pub struct PrepareReload;

/// Take over what was prepared. An error, a panic, or no answer in time is a failure of the service: what follows is said by its
/// [`RestartPolicy`](crate::RestartPolicy).
#[derive(Debug, Clone, Copy, Default, Message)]
#[rtype(result = "Result<(), BoxError>")]
pub struct CommitReload;

/// Makes the request of a step of a reload.
pub(crate) type ReloadRoute<A> = fn(Arc<Addr<A>>, ReloadStep) -> Request;

/// Asks by the mailbox.
pub(super) fn by_mailbox<A>(addr: Arc<Addr<A>>, step: ReloadStep) -> Request
where
    A: Actor<Context = Context<A>> + Handler<PrepareReload> + Handler<CommitReload>,
{
    match step {
        ReloadStep::Prepare => Box::new(move |_| Box::pin(addr.send(PrepareReload))),
        ReloadStep::Commit => Box::new(move |_| Box::pin(addr.send(CommitReload))),
    }
}
