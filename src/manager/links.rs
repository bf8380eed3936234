//! The way to a service that was started, whatever its type.

use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, Message};

use crate::error::BoxError;
use crate::grpc::{GrpcService, RegisterOnServer};
use crate::service::{GenericService, Run, Service, Setup, Shutdown};
#[cfg(feature = "testing")]
use crate::supervision::Disturbance;
use crate::supervision::{Control, Lane, Request};

/// How to reach a service that was started.
pub(super) struct Links {
    pub(super) control: Arc<Control>,
    pub(super) to: Arc<dyn Link>,
}

/// Makes a message where it is received.
pub(super) type Make<M> = Box<dyn FnOnce() -> M + Send>;

/// Makes requests of messages. One that goes past the queue is handled before what is in the mailbox: that is how a service
/// hears that it was started again. `None`: it is of no kind that knows the message.
pub(super) trait Link: Send + Sync {
    fn register(&self, message: Make<RegisterOnServer>) -> Option<Request>;
    fn setup(&self, message: Make<Setup>, past_queue: bool) -> Request;
    fn run(&self, message: Make<Run>, past_queue: bool) -> Option<Request>;
    fn shutdown(&self, message: Make<Shutdown>) -> Option<Request>;
    /// Takes the place of any of these, in a rehearsal.
    #[cfg(feature = "testing")]
    fn disturbed(&self, by: Disturbance) -> Request;
}

/// Asks by a way; with `true` past the queue.
type Asks<W, M> = fn(&W, Make<M>, bool) -> Request;

/// What an actor is asked by.
pub(super) struct Ways<A: Actor<Context = Context<A>>> {
    addr: Arc<Addr<A>>,
    lane: Lane<A>,
    register: Option<Asks<Self, RegisterOnServer>>,
    run: Option<Asks<Self, Run>>,
    shutdown: Option<Asks<Self, Shutdown>>,
}

impl<A: Service> Ways<A> {
    pub(super) fn new(addr: Addr<A>, lane: Lane<A>) -> Self {
        Self { addr: Arc::new(addr), lane, register: None, run: None, shutdown: None }
    }

    /// It serves gRPC methods.
    pub(super) fn serving(self) -> Self
    where
        A: GrpcService,
    {
        Self { register: Some(Self::request), ..self }
    }

    /// It has a main loop.
    pub(super) fn looping(self) -> Self
    where
        A: GenericService,
    {
        Self { run: Some(Self::request), shutdown: Some(Self::request), ..self }
    }

    /// A message that is made and sent on the thread that the request is made on.
    fn request<M>(&self, message: Make<M>, past_queue: bool) -> Request
    where
        A: Handler<M>,
        M: Message<Result = Result<(), BoxError>> + Send + 'static,
        A::Context: ToEnvelope<A, M>,
    {
        if past_queue {
            return self.lane.request(message);
        }
        let addr = Arc::clone(&self.addr);
        Box::new(move || Box::pin(addr.send(message())))
    }
}

impl<A: Service> Link for Ways<A> {
    fn register(&self, message: Make<RegisterOnServer>) -> Option<Request> {
        self.register.map(|register| register(self, message, false))
    }

    fn setup(&self, message: Make<Setup>, past_queue: bool) -> Request {
        self.request(message, past_queue)
    }

    fn run(&self, message: Make<Run>, past_queue: bool) -> Option<Request> {
        self.run.map(|run| run(self, message, past_queue))
    }

    fn shutdown(&self, message: Make<Shutdown>) -> Option<Request> {
        self.shutdown.map(|shutdown| shutdown(self, message, false))
    }

    #[cfg(feature = "testing")]
    fn disturbed(&self, by: Disturbance) -> Request {
        self.lane.disturbed(by)
    }
}
