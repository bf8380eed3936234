//! An actor that can be any service or resource, and does what a test scripts.

use std::future::{Future, pending};
use std::time::Duration;

use actix::dev::{MessageResponse, OneshotSender};
use actix::prelude::*;
use majordomo::{
    CommitReload, GenericService, GrpcService, PrepareReload, RegisterOnServer, Release, Resource, Resources,
    Run, Service, Setup, Shutdown,
};
use tokio::sync::oneshot;

use super::{Answer, Journal, Later};

type Script<M> = Option<Box<dyn FnOnce(M, &mut Context<Probe>) -> Later<Answer> + Send>>;

/// A service or a resource. Left alone it does all that it is asked: it runs until shutdown is requested and
/// answers everything else with `Ok` at once.
pub struct Probe {
    name: String,
    journal: Journal,
    address: Option<oneshot::Sender<Addr<Probe>>>,
    register: Script<RegisterOnServer>,
    setup: Script<Setup>,
    run: Script<Run>,
    shutdown: Script<Shutdown>,
    release: Script<Release>,
    prepare: Script<PrepareReload>,
    commit: Script<CommitReload>,
}

macro_rules! scripted {
    ($($message:ident, $at_once:ident, $later:ident;)+) => {
        impl Probe {$(
            /// What it does at this message: in its handler.
            pub fn $at_once(
                mut self,
                script: impl FnOnce($message, &mut Context<Probe>) -> Answer + Send + 'static,
            ) -> Self {
                self.$later = Some(Box::new(move |message, ctx| {
                    let answer = script(message, ctx);
                    Box::pin(async { answer })
                }));
                self
            }

            /// What it does at this message: in its handler's future.
            pub fn $later<Fut: Future<Output = Answer> + 'static>(
                mut self,
                script: impl FnOnce($message) -> Fut + Send + 'static,
            ) -> Self {
                self.$later = Some(Box::new(move |message, _| Box::pin(script(message))));
                self
            }
        )+}

        $(impl Handler<$message> for Probe {
            type Result = ResponseFuture<Answer>;

            fn handle(&mut self, message: $message, ctx: &mut Context<Self>) -> Self::Result {
                self.note(stringify!($later));
                match self.$later.take() {
                    Some(script) => script(message, ctx),
                    None => Box::pin(message.by_default()),
                }
            }
        })+
    };
}

scripted! {
    RegisterOnServer, register_at_once, register;
    Setup, setup_at_once, setup;
    Run, run_at_once, run;
    Shutdown, shutdown_at_once, shutdown;
    Release, release_at_once, release;
    PrepareReload, prepare_at_once, prepare;
    CommitReload, commit_at_once, commit;
}

trait ByDefault {
    async fn by_default(self) -> Answer;
}

impl ByDefault for RegisterOnServer {
    async fn by_default(self) -> Answer {
        Ok(())
    }
}

impl ByDefault for Setup {
    async fn by_default(self) -> Answer {
        Ok(())
    }
}

impl ByDefault for Run {
    async fn by_default(self) -> Answer {
        self.shutdown.requested().await;
        Ok(())
    }
}

impl ByDefault for Shutdown {
    async fn by_default(self) -> Answer {
        Ok(())
    }
}

impl ByDefault for PrepareReload {
    async fn by_default(self) -> Answer {
        Ok(())
    }
}

impl ByDefault for CommitReload {
    async fn by_default(self) -> Answer {
        Ok(())
    }
}

impl ByDefault for Release {
    async fn by_default(self) -> Answer {
        Ok(())
    }
}

impl Probe {
    /// A service's probe has its id, a resource's `service/name`.
    pub fn new(name: impl Into<String>, journal: &Journal) -> Self {
        Self {
            name: name.into(),
            journal: journal.clone(),
            address: None,
            register: None,
            setup: None,
            run: None,
            shutdown: None,
            release: None,
            prepare: None,
            commit: None,
        }
    }

    /// Also gives its address, as soon as it lives.
    pub fn with_address(mut self) -> (Self, oneshot::Receiver<Addr<Probe>>) {
        let (sender, receiver) = oneshot::channel();
        self.address = Some(sender);
        (self, receiver)
    }

    /// A service that starts these resources when it is set up; it is answered `Ok` then.
    pub fn with_resources(self, resources: Vec<(&'static str, Probe)>) -> Self {
        self.setup(|setup| async move { start_all(&setup.resources, resources) })
    }

    /// A resource of a service with this id.
    pub fn resource(service: &str, name: &'static str, journal: &Journal) -> (&'static str, Probe) {
        (name, Probe::new(format!("{service}/{name}"), journal))
    }

    fn note(&self, what: &str) {
        self.journal.note(format!("{}: {what}", self.name));
    }
}

pub fn start_all(resources: &Resources, all: Vec<(&'static str, Probe)>) -> Answer {
    for (name, probe) in all {
        resources.start(name, probe)?;
    }
    Ok(())
}

pub async fn never() -> Answer {
    pending().await
}

/// Blocks its thread for longer than any test lasts.
pub fn block() {
    std::thread::sleep(Duration::from_secs(20));
}

impl Actor for Probe {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.note("started");
        if let Some(address) = self.address.take() {
            let _ = address.send(ctx.address());
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

impl Service for Probe {
    fn id(&self) -> String {
        self.name.clone()
    }
}

impl GenericService for Probe {}

impl GrpcService for Probe {}

impl Resource for Probe {}

/// Something for a probe to do, beside its life's messages.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Call(Job);

type Job = Box<dyn FnOnce(&mut Context<Probe>) -> Later<()> + Send>;

impl Call {
    /// In the handler.
    pub fn now(job: impl FnOnce(&mut Context<Probe>) + Send + 'static) -> Self {
        Self(Box::new(move |ctx| {
            job(ctx);
            Box::pin(async {})
        }))
    }

    /// In the handler's future.
    pub fn later<Fut: Future<Output = ()> + 'static>(job: impl FnOnce() -> Fut + Send + 'static) -> Self {
        Self(Box::new(move |_| Box::pin(job())))
    }
}

impl Handler<Call> for Probe {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, call: Call, ctx: &mut Context<Self>) -> Self::Result {
        (call.0)(ctx)
    }
}

/// A handler's result that throws the asker's sender away: no answer will ever come.
pub struct Dropped;

impl<A: Actor, M: Message> MessageResponse<A, M> for Dropped {
    fn handle(self, _: &mut A::Context, _: Option<OneshotSender<M::Result>>) {}
}
