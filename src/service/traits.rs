//! The traits of services and resources.

use actix::{Actor, Context, Handler, Supervised};

use super::messages::{Run, Setup, Shutdown};

/// A service that a manager looks after.
///
/// What it is sent, in order:
///
/// ```text
///   RegisterOnServer   only a GrpcService, before its set-up
///   Setup              once; all services side by side. No Run before all have succeeded
///   Run                once, only a GenericService; answered when the main loop has ended
///   Shutdown           once, if its Run is not over: please come to an end
/// ```
///
/// That is one life; a service that is [restarted](crate::ServiceSpec::restart) has several, each with a `Setup` of its own.
///
/// A message may be answered at once (`Result`) or later (`ResponseFuture`, `ResponseActFuture`). An error
/// or a panic in any of them, or in any other handler or task of the actor, restarts the service where it has a
/// [`RestartPolicy`](crate::RestartPolicy) for that, and else starts the shutdown of the manager: before all are set up as a failed set-up, afterwards as a failed run. A panic counts even if
/// the service's own code catches it on the actor's thread; run what may panic harmlessly elsewhere, such
/// as on `tokio::task::spawn_blocking`.
///
/// The actor is kept until no service has anything left to do, also when its `Run` has returned: others
/// may still talk to it. Then it sees its own `stopping` and `stopped`, and what it spawned is dropped: by
/// `actix::spawn`, `spawn_local` or its context. What it gave to `tokio::spawn` belongs to the runtime of its
/// thread, as do the sockets that it opened; both last until the last resource is released.
pub trait Service: Actor<Context = Context<Self>> + Handler<Setup> {
    /// A unique, readable name: it is what errors, logs and reports call the service by.
    fn id(&self) -> String;
}

/// A service with a main loop.
///
/// [`Run`] is answered when the main loop has ended: `Ok` ends this service alone, an error ends the whole
/// manager. When shutdown begins, [`Shutdown`] comes and [`ShutdownSignal::requested`] resolves; either may
/// be used. A service that does not come to its end in time is forced: its actor and its tasks are dropped.
///
/// [`ShutdownSignal::requested`]: super::ShutdownSignal::requested
pub trait GenericService: Service + Handler<Run> + Handler<Shutdown> {}

/// What can be started again: an actor that is [`Supervised`]. It is there for the message that is given where one is not.
///
/// ```compile_fail,E0277
/// use majordomo::{RestartPolicy, ServiceSpec, service_fn};
///
/// // error: `ServiceFn` cannot be restarted
/// let once = ServiceSpec::new(service_fn("once", |_| async { Ok(()) }));
/// let _ = once.restart(RestartPolicy::on_failure());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be restarted",
    label = "implement `actix::Supervised` for the actor; a closure is made into such a service by `restartable_fn`, not by `service_fn`"
)]
pub trait Restartable: Supervised {}

#[diagnostic::do_not_recommend]
impl<A: Supervised> Restartable for A {}
