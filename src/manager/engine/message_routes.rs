//! The way to a service that was started, whatever its type.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Message};

use crate::base::BoxError;
use crate::grpc::{GrpcService, RegisterOnServer};
use crate::service::{GenericService, Run, Service, Setup, Shutdown};
#[cfg(feature = "testing")]
use crate::supervision::Disturbance;
use crate::supervision::{Control, Lane, Request};

/// How to reach a service that was started.
pub(crate) struct Links {
    pub(crate) control: Arc<Control>,
    pub(crate) to: Arc<dyn Link>,
}

/// Makes a message where it is received.
pub(crate) type Make<M> = Box<dyn FnOnce() -> M + Send>;

/// Makes requests of messages. `None`: it is of no kind that knows the message.
pub(crate) trait Link: Send + Sync {
    fn register(&self, message: Make<RegisterOnServer>) -> Option<Request>;
    fn setup(&self, message: Make<Setup>) -> Request;
    fn run(&self, message: Make<Run>) -> Option<Request>;
    fn shutdown(&self, message: Make<Shutdown>) -> Option<Request>;
    /// Takes the place of any of these, in a rehearsal.
    #[cfg(feature = "testing")]
    fn disturbed(&self, by: Disturbance) -> Request;
}

/// Asks past the mailbox.
type Ask<M> = fn(Make<M>) -> Request;

/// Asks by the mailbox.
type Mail<A, M> = fn(Arc<Addr<A>>, Make<M>) -> Request;

/// What an actor is asked by.
pub(crate) struct Ways<A: Actor<Context = Context<A>>> {
    addr: Arc<Addr<A>>,
    register: Option<Ask<RegisterOnServer>>,
    run: Option<Ask<Run>>,
    shutdown: Option<Mail<A, Shutdown>>,
}

impl<A: Service> Ways<A> {
    pub(crate) fn new(addr: Addr<A>) -> Self {
        Self { addr: Arc::new(addr), register: None, run: None, shutdown: None }
    }

    /// It serves gRPC methods.
    pub(crate) fn serving(self) -> Self
    where
        A: GrpcService,
    {
        Self { register: Some(Lane::<A>::request), ..self }
    }

    /// It has a main loop.
    pub(crate) fn looping(self) -> Self
    where
        A: GenericService,
    {
        Self { run: Some(Lane::<A>::request), shutdown: Some(by_mailbox), ..self }
    }
}

/// A request that has its turn after what was sent to the actor before.
fn by_mailbox<A, M>(addr: Arc<Addr<A>>, message: Make<M>) -> Request
where
    A: Service + Handler<M>,
    M: Message<Result = Result<(), BoxError>> + Send + 'static,
{
    Box::new(move |_| Box::pin(addr.send(message())))
}

impl<A: Service> Link for Ways<A> {
    fn register(&self, message: Make<RegisterOnServer>) -> Option<Request> {
        self.register.map(|register| register(message))
    }

    fn setup(&self, message: Make<Setup>) -> Request {
        Lane::<A>::request(message)
    }

    fn run(&self, message: Make<Run>) -> Option<Request> {
        self.run.map(|run| run(message))
    }

    fn shutdown(&self, message: Make<Shutdown>) -> Option<Request> {
        self.shutdown.map(|shutdown| shutdown(Arc::clone(&self.addr), message))
    }

    #[cfg(feature = "testing")]
    fn disturbed(&self, by: Disturbance) -> Request {
        Lane::<A>::disturbed(by)
    }
}
