//! The manager: an actor, on a thread of its own, that looks after services.

mod api;
mod engine;
mod nested;
mod observe;
mod signals;
#[cfg(feature = "testing")]
pub(crate) mod test_support;

use std::sync::Arc;

use actix::{Actor, Addr, Arbiter, MailboxError, System};
use tracing::dispatcher;

pub use api::messages::{
    AddService, ForceShutdown, GetStatus, RemoveService, RestartService, StartShutdown, StopService,
    Subscribe, WaitForShutdown, WaitUntilRunning,
};
pub use api::options::ManagerOptions;
pub use api::plan::{ManagerPlan, PlannedService};
pub use api::status::{ManagerStatus, ResourceStatus, RestartStatus, ServiceStatus};
pub use engine::orders::OrderError;
pub use nested::{NestedManager, nested};

use crate::grpc::GrpcService;
use crate::lifecycle::Kind;
use crate::report::{ConfigError, ManagerError};
use crate::service::{GenericService, ServiceSpec};
use crate::supervision::Thread;
use api::pending_service::PendingService;
use api::plan::Definition;
use engine::inbox::{Inbox, ManagerSender};
use engine::mailbox::ManagerContext;
use engine::run_guard::RunGuard;
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
pub struct Manager {
    plan: Option<Definition>,
    running: Option<Running>,
    ended: Option<Ended>,
    set_up_waiters: Waiters,
    running_waiters: Waiters,
    stopped_waiters: Waiters,
    status_requests: StatusRequests,
    /// The thread that is the manager's, to be ended with it.
    thread: Option<Arc<Thread>>,
    #[cfg(feature = "testing")]
    given: test_support::kit::GivenOptions,
}

impl Manager {
    /// A manager without services as yet.
    pub fn new(options: ManagerOptions) -> Self {
        Self {
            plan: Some(Definition::new(options)),
            running: None,
            ended: None,
            set_up_waiters: Waiters::default(),
            running_waiters: Waiters::default(),
            stopped_waiters: Waiters::default(),
            status_requests: StatusRequests::default(),
            thread: None,
            #[cfg(feature = "testing")]
            given: test_support::kit::GivenOptions::default(),
        }
    }

    /// Adds a service with a main loop.
    pub fn service<A: GenericService>(self, service: impl Into<ServiceSpec<A>>) -> Self {
        self.add(PendingService::generic(service.into(), Kind::Generic))
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

    /// Starts the manager on a thread of its own. What cannot work (see [`ConfigError`]) is found before
    /// anything is started; [`WaitForShutdown`] and [`WaitUntilRunning`] then answer with it.
    ///
    /// # Panics
    /// Outside of an actix system (`#[actix::main]`).
    #[track_caller]
    pub fn start(mut self) -> Addr<Self> {
        if System::try_current().is_none() {
            panic!(
                "a manager is started within an actix system: put #[actix::main] before main, #[actix::test] before a test"
            );
        }
        if let Some(plan) = &mut self.plan {
            // What is current here is not current on the manager's thread.
            plan.options.dispatch.get_or_insert_with(|| dispatcher::get_default(Clone::clone));
        }
        self.start_on_its_thread()
    }

    /// Starts the manager on the thread that this is called on, and there also all that it looks after: for paused time,
    /// which is one thread's.
    ///
    /// # Panics
    /// Outside of an actix system.
    pub(crate) fn start_on_this_thread(mut self) -> Addr<Self> {
        if let Some(plan) = &mut self.plan {
            plan.keep_to_one_thread();
            plan.options.dispatch.get_or_insert_with(|| dispatcher::get_default(Clone::clone));
        }
        // Not by a task of whoever calls this: one that is a service of another must outlive that service's actor.
        engine::manager_loop::start(self, &Arbiter::current())
    }

    /// Starts the manager and waits for its end. Where this is dropped before, the manager begins its shutdown all the same,
    /// and that nobody waits for it is logged.
    ///
    /// # Errors
    /// What [`WaitForShutdown`] answers.
    ///
    /// # Panics
    /// As [`start`](Self::start) does.
    pub async fn run(self) -> Result<(), ManagerError> {
        let given = self.plan.as_ref().and_then(|plan| plan.options.dispatch.clone());
        let dispatch = given.unwrap_or_else(|| dispatcher::get_default(Clone::clone));
        let manager = self.start();
        let mut guard = RunGuard::new(manager.clone(), dispatch);
        let end = manager.send(WaitForShutdown).await;
        guard.has_ended();
        end?
    }
}

impl Actor for Manager {
    type Context = ManagerContext;
}

impl Manager {
    /// It is on its thread; there is an inbox, unless it cannot work.
    fn started(&mut self, addr: &Addr<Self>) -> Option<Inbox> {
        let plan = self.plan.take()?;
        #[cfg(feature = "testing")]
        {
            self.given = test_support::kit::GivenOptions::of(&plan);
            test_support::kit::note_thread(addr);
        }
        let (sender, inbox) = ManagerSender::new(plan.pending_services.len());
        match plan.check().and_then(|plan| Running::begin(plan, addr, sender)) {
            Ok(running) => {
                self.running = Some(running);
                self.begin();
                Some(inbox)
            }
            Err(error) => {
                self.end(Ended::refused(ManagerError::config(error)));
                None
            }
        }
    }
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
