//! New settings while a service runs: asked in two steps, so that either all take them over, or nobody does.
//!
//! ```text
//!   Reload --> PrepareReload to all --all answered Ok--> CommitReload, each after those that it depends on
//!                      |
//!                      '-- somebody did not --> nobody commits, and who asked is told who refused, and why
//! ```

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Message};

use super::spec::ServiceSpec;
use super::traits::Service;
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

impl<A: Service> ServiceSpec<A> {
    /// The service takes part in [reloads](crate::Reload): it reads its settings again at [`PrepareReload`], and changes to them at
    /// [`CommitReload`]. Both come by its mailbox, while it is set up and its main loop has not returned.
    ///
    /// Where any service of a manager says this, SIGHUP asks for a reload; else it is left alone. systemd: `Type=notify-reload`.
    pub fn reloadable(self) -> Self
    where
        A: Handler<PrepareReload> + Handler<CommitReload>,
    {
        Self { reload: Some(by_mailbox), reload_at_signal: true, ..self }
    }

    /// The same, but it is no reason to handle SIGHUP.
    #[cfg(feature = "tls")]
    pub(crate) fn reloadable_on_demand(self) -> Self
    where
        A: Handler<PrepareReload> + Handler<CommitReload>,
    {
        Self { reload: Some(by_mailbox), ..self }
    }
}

fn by_mailbox<A>(addr: Arc<Addr<A>>, step: ReloadStep) -> Request
where
    A: Actor<Context = Context<A>> + Handler<PrepareReload> + Handler<CommitReload>,
{
    match step {
        ReloadStep::Prepare => Box::new(move |_| Box::pin(addr.send(PrepareReload))),
        ReloadStep::Commit => Box::new(move |_| Box::pin(addr.send(CommitReload))),
    }
}
