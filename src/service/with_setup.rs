//! A service made of a set-up and a main loop.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use actix::{
    Actor, ActorFutureExt, Context, Handler, ResponseActFuture, ResponseFuture, Supervised, WrapFuture,
};

use super::messages::{Run, Setup, Shutdown};
use super::spec::ServiceSpec;
use super::traits::{GenericService, Service};
use crate::base::BoxError;

type Later<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>>>>;

/// A service made of a set-up and a main loop, by [`service_with_setup`].
pub struct WithSetup<T> {
    id: String,
    setup: Box<dyn FnMut(Setup) -> Later<T> + Send>,
    run: Box<dyn FnMut(Run, T) -> Later<()> + Send>,
    /// What the set-up made, until the run takes it.
    value: Option<T>,
}

/// Makes a service of a set-up and of a main loop, which is given what the set-up made. Both are called anew in every life: the service
/// can be restarted.
///
/// ```
/// use majordomo::{Manager, ManagerOptions, RestartPolicy, resource_fn, service_with_setup};
///
/// # #[actix::main]
/// # async fn main() {
/// let worker = service_with_setup(
///     "worker",
///     |setup| async move {
///         setup.resources.start("connection", resource_fn(|| async { Ok(()) }))?;
///         Ok(vec![1, 2, 3])
///     },
///     |_run, jobs| async move {
///         assert_eq!(jobs, [1, 2, 3]);
///         Ok(())
///     },
/// );
/// let worker = worker.restart(RestartPolicy::on_failure());
/// Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(worker).run().await.unwrap();
/// # }
/// ```
pub fn service_with_setup<T, S, SetUp, R, Running>(
    id: impl Into<String>,
    mut setup: S,
    mut run: R,
) -> ServiceSpec<WithSetup<T>>
where
    T: 'static,
    S: FnMut(Setup) -> SetUp + Send + 'static,
    SetUp: Future<Output = Result<T, BoxError>> + 'static,
    R: FnMut(Run, T) -> Running + Send + 'static,
    Running: Future<Output = Result<(), BoxError>> + 'static,
{
    let id = id.into();
    let setup = Box::new(move |message| Box::pin(setup(message)) as Later<T>);
    let run = Box::new(move |message, value| Box::pin(run(message, value)) as Later<()>);
    ServiceSpec::local(id.clone(), move || WithSetup { id, setup, run, value: None })
}

/// Makes a service that others depend on: its set-up makes what they require ([`Setup::provide`]) and starts the resources that give it back.
/// Then it has nothing to do until it is asked to stop. It can be restarted, and its set-up tried again.
///
/// ```
/// use majordomo::{Manager, ManagerOptions, Setup, provider_fn, resource_fn, service_with_setup};
///
/// # #[actix::main]
/// # async fn main() {
/// let database = provider_fn("database", |setup: Setup| async move {
///     setup.resources.start("connection", resource_fn(|| async { Ok(()) }))?;
///     setup.provide("a connection");
///     Ok(())
/// });
/// let worker = service_with_setup(
///     "worker",
///     |setup: Setup| async move { Ok(setup.require::<&str>()?) },
///     |_run, connection| async move {
///         assert_eq!(connection, "a connection");
///         Err("nothing to do".into())
///     },
/// );
/// let manager = Manager::new(ManagerOptions::new().without_grpc());
/// let error = manager.service(database).service(worker.depends_on("database")).run().await.unwrap_err();
/// assert!(error.to_string().contains("nothing to do"));
/// # }
/// ```
pub fn provider_fn<S, SetUp>(id: impl Into<String>, setup: S) -> ServiceSpec<WithSetup<()>>
where
    S: FnMut(Setup) -> SetUp + Send + 'static,
    SetUp: Future<Output = Result<(), BoxError>> + 'static,
{
    service_with_setup(id, setup, |run: Run, ()| async move {
        run.shutdown.requested().await;
        Ok(())
    })
}

impl<T: 'static> Actor for WithSetup<T> {
    type Context = Context<Self>;
}

impl<T: 'static> Supervised for WithSetup<T> {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.value = None;
    }
}

// It is never pinned.
impl<T> Unpin for WithSetup<T> {}

impl<T: 'static> Service for WithSetup<T> {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl<T: 'static> GenericService for WithSetup<T> {}

impl<T: 'static> Handler<Setup> for WithSetup<T> {
    type Result = ResponseActFuture<Self, Result<(), BoxError>>;

    fn handle(&mut self, message: Setup, _: &mut Context<Self>) -> Self::Result {
        let setting_up = (self.setup)(message);
        Box::pin(setting_up.into_actor(self).map(|made, service, _| {
            service.value = Some(made?);
            Ok(())
        }))
    }
}

impl<T: 'static> Handler<Run> for WithSetup<T> {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, message: Run, _: &mut Context<Self>) -> Self::Result {
        match self.value.take() {
            Some(value) => (self.run)(message, value),
            None => Box::pin(async {
                Err("it was run without having been set up: this is a bug in majordomo".into())
            }),
        }
    }
}

impl<T: 'static> Handler<Shutdown> for WithSetup<T> {
    type Result = Result<(), BoxError>;

    /// The loop hears of it by its signal.
    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl<T> fmt::Debug for WithSetup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithSetup").field("id", &self.id).finish_non_exhaustive()
    }
}
