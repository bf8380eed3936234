//! The way to a service that was started, whatever its type.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Message};

use crate::base::BoxError;
use crate::grpc::{GrpcService, RegisterOnServer};
use crate::lifecycle::ReloadStep;
use crate::service::{GenericService, ReloadRoute, Run, Service, Setup, Shutdown};
#[cfg(feature = "testing")]
use crate::supervision::InjectedFault;
use crate::supervision::{Control, PriorityInbox, Request};

/// How to reach a service that was started.
pub(crate) struct ActorHandle {
    pub(crate) control: Arc<Control>,
    pub(crate) routes: Arc<dyn MessageRoutes>,
}

/// Makes a message where it is received.
pub(crate) type MakeMessage<M> = Box<dyn FnOnce() -> M + Send>;

/// Makes requests of messages. `None`: it is of no kind that knows the message.
pub(crate) trait MessageRoutes: Send + Sync {
    fn register(&self, message: MakeMessage<RegisterOnServer>) -> Option<Request>;
    fn setup(&self, message: MakeMessage<Setup>) -> Request;
    fn run(&self, message: MakeMessage<Run>) -> Option<Request>;
    fn shutdown(&self, message: MakeMessage<Shutdown>) -> Option<Request>;
    fn reload(&self, step: ReloadStep) -> Option<Request>;
    /// Takes the place of any of these, in a rehearsal.
    #[cfg(feature = "testing")]
    fn with_fault(&self, by: InjectedFault) -> Request;
}

/// Asks past the mailbox.
type DirectRoute<M> = fn(MakeMessage<M>) -> Request;

/// Asks by the mailbox.
type MailboxRoute<A, M> = fn(Arc<Addr<A>>, MakeMessage<M>) -> Request;

/// What an actor is asked by.
pub(crate) struct TypedRoutes<A: Actor<Context = Context<A>>> {
    addr: Arc<Addr<A>>,
    register: Option<DirectRoute<RegisterOnServer>>,
    run: Option<DirectRoute<Run>>,
    shutdown: Option<MailboxRoute<A, Shutdown>>,
    reload: Option<ReloadRoute<A>>,
}

impl<A: Service> TypedRoutes<A> {
    pub(crate) fn new(addr: Addr<A>, reload: Option<ReloadRoute<A>>) -> Self {
        Self { addr: Arc::new(addr), register: None, run: None, shutdown: None, reload }
    }

    /// It serves gRPC methods.
    pub(crate) fn with_grpc(self) -> Self
    where
        A: GrpcService,
    {
        Self { register: Some(PriorityInbox::<A>::request), ..self }
    }

    /// It has a main loop.
    pub(crate) fn with_main_loop(self) -> Self
    where
        A: GenericService,
    {
        Self { run: Some(PriorityInbox::<A>::request), shutdown: Some(by_mailbox), ..self }
    }
}

/// A request that has its turn after what was sent to the actor before.
fn by_mailbox<A, M>(addr: Arc<Addr<A>>, message: MakeMessage<M>) -> Request
where
    A: Service + Handler<M>,
    M: Message<Result = Result<(), BoxError>> + Send + 'static,
{
    Box::new(move |_| Box::pin(addr.send(message())))
}

impl<A: Service> MessageRoutes for TypedRoutes<A> {
    fn register(&self, message: MakeMessage<RegisterOnServer>) -> Option<Request> {
        self.register.map(|register| register(message))
    }

    fn setup(&self, message: MakeMessage<Setup>) -> Request {
        PriorityInbox::<A>::request(message)
    }

    fn run(&self, message: MakeMessage<Run>) -> Option<Request> {
        self.run.map(|run| run(message))
    }

    fn shutdown(&self, message: MakeMessage<Shutdown>) -> Option<Request> {
        self.shutdown.map(|shutdown| shutdown(Arc::clone(&self.addr), message))
    }

    fn reload(&self, step: ReloadStep) -> Option<Request> {
        self.reload.map(|reload| reload(Arc::clone(&self.addr), step))
    }

    #[cfg(feature = "testing")]
    fn with_fault(&self, by: InjectedFault) -> Request {
        PriorityInbox::<A>::with_fault(by)
    }
}
