//! Services and resources from plain functions.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use actix::{Actor, Context, Handler, ResponseFuture};

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

impl Actor for ServiceFn {
    type Context = Context<Self>;
}

impl Service for ServiceFn {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl GenericService for ServiceFn {}

impl Handler<Setup> for ServiceFn {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: Setup, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl Handler<Run> for ServiceFn {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, message: Run, _: &mut Context<Self>) -> Self::Result {
        match self.run.take() {
            Some(run) => run(message),
            None => Box::pin(async { Err("the main loop has been run already".into()) }),
        }
    }
}

impl Handler<Shutdown> for ServiceFn {
    type Result = Result<(), BoxError>;

    /// The loop hears of it by its signal.
    fn handle(&mut self, _: Shutdown, _: &mut Context<Self>) -> Self::Result {
        Ok(())
    }
}

impl fmt::Debug for ServiceFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceFn").field("id", &self.id).finish_non_exhaustive()
    }
}

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
