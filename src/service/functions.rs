//! Services and resources from plain functions.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use actix::{Actor, Context, Handler, ResponseFuture, Supervised};

use super::messages::{Release, Run, Setup, Shutdown};
use super::traits::{GenericService, Resource, Service};
use crate::error::BoxError;

type Ending = Pin<Box<dyn Future<Output = Result<(), BoxError>>>>;

/// A service made of a plain main loop, by [`service_fn`].
pub struct ServiceFn {
    id: String,
    run: Option<Box<dyn FnOnce(Run) -> Ending + Send>>,
}

/// Makes a service of a main loop. It is asked to come to its end by `run.shutdown.requested()`.
///
/// ```
/// use majordomo::{Manager, ManagerOptions, service_fn};
///
/// # #[actix::main]
/// # async fn main() {
/// let ticker = service_fn("ticker", |run| async move {
///     let every = std::time::Duration::from_millis(1);
///     for _ in 0..3 {
///         tokio::select! {
///             () = run.shutdown.requested() => break,
///             () = tokio::time::sleep(every) => run.span.in_scope(|| tracing::info!("tick")),
///         }
///     }
///     Ok(())
/// });
/// let options = ManagerOptions::new().grpc_ping_service(false);
/// Manager::new(options).service(ticker).run().await.unwrap();
/// # }
/// ```
pub fn service_fn<F, Fut>(id: impl Into<String>, run: F) -> ServiceFn
where
    F: FnOnce(Run) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), BoxError>> + 'static,
{
    ServiceFn { id: id.into(), run: Some(Box::new(move |message| Box::pin(run(message)))) }
}

/// A service made of a main loop that may be run again, by [`restartable_fn`].
pub struct RestartableFn {
    id: String,
    run: Box<dyn FnMut(Run) -> Ending + Send>,
}

/// Makes a service of a main loop that may be run again: with [`ServiceSpec::restart`](crate::ServiceSpec::restart) it is
/// restarted when it fails.
///
/// ```
/// use majordomo::{Manager, ManagerOptions, RestartPolicy, ServiceSpec, restartable_fn};
///
/// # #[actix::main]
/// # async fn main() {
/// let mut attempts = 0;
/// let stubborn = restartable_fn("stubborn", move |_| {
///     attempts += 1;
///     async move { if attempts < 3 { Err("not yet".into()) } else { Ok(()) } }
/// });
/// let policy = RestartPolicy::on_failure().backoff(Default::default(), Default::default());
/// let options = ManagerOptions::new().grpc_ping_service(false);
/// Manager::new(options).service(ServiceSpec::new(stubborn).restart(policy)).run().await.unwrap();
/// # }
/// ```
pub fn restartable_fn<F, Fut>(id: impl Into<String>, mut run: F) -> RestartableFn
where
    F: FnMut(Run) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), BoxError>> + 'static,
{
    RestartableFn { id: id.into(), run: Box::new(move |message| Box::pin(run(message))) }
}

impl Supervised for RestartableFn {}

impl Handler<Run> for RestartableFn {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, message: Run, _: &mut Context<Self>) -> Self::Result {
        (self.run)(message)
    }
}

impl Handler<Run> for ServiceFn {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, message: Run, _: &mut Context<Self>) -> Self::Result {
        match self.run.take() {
            Some(run) => run(message),
            None => Box::pin(async {
                Err("the main loop has been run already: make it by restartable_fn, so that it can be run again".into())
            }),
        }
    }
}

/// What services made of a main loop have in common.
macro_rules! service_of_a_loop {
    ($service:ident) => {
        impl Actor for $service {
            type Context = Context<Self>;
        }

        impl Service for $service {
            fn id(&self) -> String {
                self.id.clone()
            }
        }

        impl GenericService for $service {}

        impl Handler<Setup> for $service {
            type Result = Result<(), BoxError>;

            fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
                Ok(())
            }
        }

        impl Handler<Shutdown> for $service {
            type Result = Result<(), BoxError>;

            /// The loop hears of it by its signal.
            fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
                Ok(())
            }
        }

        impl fmt::Debug for $service {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($service)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    };
}
service_of_a_loop!(ServiceFn);
service_of_a_loop!(RestartableFn);

/// A resource made of a closure that releases it, by [`resource_fn`].
pub struct ResourceFn {
    release: Option<Box<dyn FnOnce() -> Ending + Send>>,
}

/// Makes a resource of the closure that releases it.
///
/// ```
/// # use majordomo::{Resources, ResourceError, resource_fn};
/// # fn set_up(resources: Resources) -> Result<(), ResourceError> {
/// resources.start("lock file", resource_fn(|| async {
///     std::fs::remove_file("/run/example.lock")?;
///     Ok(())
/// }))?;
/// # Ok(())
/// # }
/// ```
pub fn resource_fn<F, Fut>(release: F) -> ResourceFn
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), BoxError>> + 'static,
{
    ResourceFn { release: Some(Box::new(move || Box::pin(release()))) }
}

impl Actor for ResourceFn {
    type Context = Context<Self>;
}

impl Resource for ResourceFn {}

impl Handler<Release> for ResourceFn {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Self::Result {
        match self.release.take() {
            Some(release) => release(),
            None => Box::pin(async { Ok(()) }),
        }
    }
}

impl fmt::Debug for ResourceFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceFn").finish_non_exhaustive()
    }
}
