//! The manager: an actor, on a thread of its own, that looks after services.

mod api;
mod engine;
mod nested;
mod observe;
mod outside;
mod signals;
#[cfg(feature = "testing")]
pub(crate) mod test_support;

use std::sync::Arc;

use actix::{Actor, Addr, MailboxError};

pub use api::add_service::AddService;
pub use api::condition::{ResourceCondition, ServiceCondition};
pub use api::handover_status::{HandoverStatus, SuccessorStatus};
pub use api::lease_status::{LeaseCondition, LeaseStatus};
pub use api::messages::{
    ForceShutdown, GetStatus, Reload, RemoveService, RestartService, StartHandover, StartShutdown, StepDown,
    StopService, Subscribe, WaitForShutdown, WaitUntilRunning,
};
pub use api::options::{ManagerOptions, WatchedFile, watched_file};
pub use api::order_error::OrderError;
pub use api::plan::{ManagerPlan, PlannedService};
pub use api::status::{ManagerStatus, ResourceStatus, RestartStatus, ServiceStatus, SetupRetryStatus};
pub use nested::{NestedManager, nested};

use crate::grpc::GrpcService;
use crate::report::{ConfigError, ManagerError};
use crate::service::{GenericService, ServiceSpec};
use crate::supervision::Thread;
use api::definition::Definition;
use api::pending_service::PendingService;
use engine::mailbox::ManagerContext;
use engine::running::{Ended, Running};
use engine::status_requests::StatusRequests;
use engine::waiters::Waiters;
#[cfg(feature = "testing")]
pub(crate) use test_support::kit::{ManagerSnapshot, RunOnManager, TestSignal, is_on_this_thread};

/// Sets services up, runs them, stops them and releases their resources.
///
/// ```text
///            start            all set up          asked, failed          all ended            all released
///   Created -------> SettingUp --------> Running --------------> Stopping --------> Releasing -----------> Stopped
///                        |                                          ^
///                        +------------- asked, failed --------------+
/// ```
///
/// - **SettingUp**: the gRPC port is bound; gRPC services get `RegisterOnServer`; all services get
///   [`Setup`](crate::Setup), side by side. One that fails begins the shutdown.
/// - **Running**: services with a main loop get [`Run`](crate::Run); the gRPC server accepts calls. A `Run`
///   that fails begins the shutdown; one that returns `Ok` ends that service alone.
/// - **Stopping**: after the drain delay each service that still runs gets [`Shutdown`](crate::Shutdown), and
///   the gRPC server drains. When the release reserve begins, services that are not done are forced.
/// - **Releasing**: each resource gets [`Release`](crate::Release); services side by side, within a service the
///   last started first. At the deadline whatever is left is forced.
/// - **Stopped**: every [`WaitForShutdown`] is answered: `Ok`, or an error that names who failed or held on.
///
/// The manager lives on a thread of its own, so that no service's code can delay it.
///
/// ```
/// use majordomo::{Manager, ManagerOptions, StartShutdown, WaitForShutdown, WaitUntilRunning, service_fn};
///
/// #[actix::main]
/// async fn main() -> Result<(), majordomo::ManagerError> {
///     let service = service_fn("patient", |run| async move {
///         run.shutdown.requested().await;
///         Ok(())
///     });
///     let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false))
///         .service(service)
///         .start();
///     manager.send(WaitUntilRunning).await??;
///     manager.do_send(StartShutdown);
///     manager.send(WaitForShutdown).await?
/// }
/// ```
#[must_use = "a manager does nothing until it is started"]
pub struct Manager {
    plan: Option<Definition>,
    running: Option<Running>,
    /// Keeps the manager alive while it runs, whoever else has let go of it.
    kept_alive: Option<Addr<Self>>,
    ended: Option<Ended>,
    set_up_waiters: Waiters,
    running_waiters: Waiters,
    stopped_waiters: Waiters,
    status_requests: StatusRequests,
    /// The thread that is the manager's, to be ended with it.
    thread: Option<Arc<Thread>>,
    #[cfg(feature = "testing")]
    given: test_support::given::GivenOptions,
}

impl Manager {
    /// A manager without services as yet.
    pub fn new(options: ManagerOptions) -> Self {
        Self {
            plan: Some(Definition::new(options)),
            running: None,
            kept_alive: None,
            ended: None,
            set_up_waiters: Waiters::default(),
            running_waiters: Waiters::default(),
            stopped_waiters: Waiters::default(),
            status_requests: StatusRequests::default(),
            thread: None,
            #[cfg(feature = "testing")]
            given: test_support::given::GivenOptions::default(),
        }
    }

    /// Adds a service with a main loop.
    pub fn service<A: GenericService>(self, service: impl Into<ServiceSpec<A>>) -> Self {
        self.add(PendingService::generic(service.into()))
    }

    /// Adds a service that answers gRPC calls.
    pub fn grpc_service<A: GrpcService>(self, service: impl Into<ServiceSpec<A>>) -> Self {
        self.add(PendingService::grpc(service.into()))
    }

    /// Adds a service that has a main loop and answers gRPC calls.
    pub fn service_and_grpc<A: GrpcService + GenericService>(
        self,
        service: impl Into<ServiceSpec<A>>,
    ) -> Self {
        self.add(PendingService::both(service.into()))
    }

    fn add(mut self, pending: PendingService) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.pending_services.push(pending);
        }
        self
    }

    /// Has it run nobody before it is told to, and leave signals and the ping service to its parent.
    fn hold_back(mut self) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.hold_back();
        }
        self
    }

    /// How many managers are nested in it, one within the other.
    fn depth(&self) -> usize {
        let pending_services = self.plan.iter().flat_map(|plan| &plan.pending_services);
        pending_services.filter_map(|pending| Some(pending.branch.as_ref()?.depth())).max().unwrap_or(0)
    }

    /// What this manager would do: in which order services start and stop, and how much time each has. Starts nothing.
    ///
    /// # Errors
    /// What cannot work, as a start would find it.
    ///
    /// ```
    /// use majordomo::{Manager, ManagerOptions, ServiceSpec, service_fn};
    ///
    /// let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false))
    ///     .service(service_fn("db", |_| async { Ok(()) }))
    ///     .service(ServiceSpec::new(service_fn("api", |_| async { Ok(()) })).depends_on("db"));
    /// let plan = manager.plan()?;
    /// assert_eq!(plan.start_order(), [["db"], ["api"]]);
    /// println!("{plan}");
    /// # Ok::<(), majordomo::ConfigError>(())
    /// ```
    pub fn plan(&self) -> Result<ManagerPlan, ConfigError> {
        match &self.plan {
            Some(plan) => plan.sketch(),
            None => Err(ConfigError::Option {
                option: "plan",
                value: "asked of a manager that runs".to_owned(),
                mend: "ask before the start",
            }),
        }
    }
}

impl Actor for Manager {
    type Context = ManagerContext;
}

impl From<MailboxError> for ManagerError {
    fn from(error: MailboxError) -> Self {
        Self::gone(error.to_string())
    }
}

impl std::fmt::Debug for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stage = self.running.as_ref().map(Running::stage);
        f.debug_struct("Manager").field("stage", &stage).finish_non_exhaustive()
    }
}
