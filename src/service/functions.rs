//! Services and resources from plain functions.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture, Supervised};

use super::messages::{Run, Setup, Shutdown};
use super::resource::{Release, Resource};
use super::spec::ServiceSpec;
use super::traits::{GenericService, Service};
use crate::base::BoxError;
use crate::lifecycle::RestartPolicy;

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

impl ServiceFn {
    /// Does not compile, since its main loop can be run only once: make the service by [`restartable_fn`].
    ///
    /// ```compile_fail,E0277
    /// use majordomo::{RestartPolicy, service_fn};
    ///
    /// // error: a service made by `service_fn` can be run only once
    /// let _ = service_fn("once", |_| async { Ok(()) }).restart(RestartPolicy::on_failure());
    /// ```
    pub fn restart<P: RunsAgain>(self, policy: P) -> ServiceSpec<Self> {
        policy.again(self)
    }
}

/// Is implemented by nothing: it is there for the message that asking for it leads to.
#[diagnostic::on_unimplemented(
    message = "a service made by `service_fn` can be run only once",
    label = "make the service by `restartable_fn`, which takes a closure that can be called again, to restart it"
)]
pub trait RunsAgain {
    /// Never called.
    fn again(self, service: ServiceFn) -> ServiceSpec<ServiceFn>;
}

impl RestartableFn {
    /// Has the service started again when it fails: [`ServiceSpec::restart`].
    pub fn restart(self, policy: RestartPolicy) -> ServiceSpec<Self> {
        ServiceSpec::new(self).restart(policy)
    }
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
/// use majordomo::{Manager, ManagerOptions, RestartPolicy, restartable_fn};
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
/// Manager::new(options).service(stubborn.restart(policy)).run().await.unwrap();
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

        impl $service {
            /// The service needs another: [`ServiceSpec::depends_on`].
            pub fn depends_on(self, id: impl Into<String>) -> ServiceSpec<Self> {
                ServiceSpec::new(self).depends_on(id)
            }

            /// How long the service may take to stop: [`ServiceSpec::stop_timeout`].
            pub fn stop_timeout(self, timeout: Duration) -> ServiceSpec<Self> {
                ServiceSpec::new(self).stop_timeout(timeout)
            }

            /// Gives the service a thread of its own: [`ServiceSpec::dedicated_thread`].
            pub fn dedicated_thread(self) -> ServiceSpec<Self> {
                ServiceSpec::new(self).dedicated_thread()
            }
        }

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

/// A resource made of a closure that releases it, by [`resource_fn`] or [`resource_fn_with`].
pub struct ResourceFn {
    release: Option<Box<dyn FnOnce(Release) -> Ending + Send>>,
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
    resource_fn_with(move |_| release())
}

/// The same of a closure that is told how much time there is, by `release.shutdown.deadline()`: for what may take long, such as a
/// farewell to another server.
///
/// ```
/// # use majordomo::{BoxError, Release, Resources, ResourceError, resource_fn_with};
/// # async fn log_out() -> Result<(), BoxError> { Ok(()) }
/// # fn set_up(resources: Resources) -> Result<(), ResourceError> {
/// resources.start("session", resource_fn_with(|release: Release| async move {
///     match release.shutdown.deadline() {
///         Some(at) => tokio::time::timeout_at(at.into(), log_out()).await?,
///         None => log_out().await,
///     }
/// }))?;
/// # Ok(())
/// # }
/// ```
pub fn resource_fn_with<F, Fut>(release: F) -> ResourceFn
where
    F: FnOnce(Release) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), BoxError>> + 'static,
{
    ResourceFn { release: Some(Box::new(move |message| Box::pin(release(message)))) }
}

impl Actor for ResourceFn {
    type Context = Context<Self>;
}

impl Resource for ResourceFn {}

impl Handler<Release> for ResourceFn {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, message: Release, _: &mut Context<Self>) -> Self::Result {
        match self.release.take() {
            Some(release) => release(message),
            None => Box::pin(async { Ok(()) }),
        }
    }
}

impl fmt::Debug for ResourceFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceFn").finish_non_exhaustive()
    }
}
