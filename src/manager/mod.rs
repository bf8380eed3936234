//! The manager: an actor, on a thread of its own, that looks after services.

mod account;
mod candidate;
mod forcing;
mod log;
mod messages;
mod options;
mod sending;
mod shell;
mod signals;
mod status;
mod timing;
mod told;
mod waiting;
mod work;

use std::collections::HashSet;

use actix::{Actor, Addr, Arbiter, AsyncContext, Context, MailboxError};
use tracing::dispatcher;

pub use messages::{ForceShutdown, GetStatus, StartShutdown, WaitForShutdown, WaitUntilRunning};
pub use options::ManagerOptions;
pub use status::{ManagerStatus, ResourceStatus, ServiceStatus};

use crate::error::{ConfigError, ManagerError};
use crate::events::Name;
use crate::grpc::GrpcService;
use crate::lifecycle::Kind;
use crate::ping::PingService;
use crate::service::{GenericService, ServiceSpec};
use candidate::Candidate;
use options::Checked;
use waiting::Waiters;
use work::Work;

/// Sets services up, runs them, stops them and releases their resources. Answers to the seed's `Manager`.
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
    plan: Option<Plan>,
    work: Option<Work>,
    ended: Option<work::Ended>,
    running: Waiters,
    stopped: Waiters,
    /// Whether the thread is the manager's, to be ended with it.
    owns_thread: bool,
}

/// What a manager was given.
struct Plan {
    options: ManagerOptions,
    candidates: Vec<Candidate>,
}

/// A plan that can work.
struct CheckedPlan {
    options: ManagerOptions,
    checked: Checked,
    candidates: Vec<Candidate>,
}

impl Manager {
    /// A manager without services as yet. Answers to the seed's `NewManager`.
    pub fn new(options: ManagerOptions) -> Self {
        Self {
            plan: Some(Plan { options, candidates: Vec::new() }),
            work: None,
            ended: None,
            running: Waiters::default(),
            stopped: Waiters::default(),
            owns_thread: false,
        }
    }

    /// Adds a service with a main loop.
    pub fn service<A: GenericService>(self, service: impl Into<ServiceSpec<A>>) -> Self {
        self.add(Candidate::generic(service.into(), Kind::Generic))
    }

    /// Adds a service that answers gRPC calls.
    pub fn grpc_service<A: GrpcService>(self, service: impl Into<ServiceSpec<A>>) -> Self {
        self.add(Candidate::grpc(service.into()))
    }

    /// Adds a service that has a main loop and answers gRPC calls.
    pub fn service_and_grpc<A: GrpcService + GenericService>(
        self,
        service: impl Into<ServiceSpec<A>>,
    ) -> Self {
        self.add(Candidate::both(service.into()))
    }

    fn add(mut self, candidate: Candidate) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.candidates.push(candidate);
        }
        self
    }

    /// Starts the manager on a thread of its own. What cannot work (see [`ConfigError`]) is found before
    /// anything is started; [`WaitForShutdown`] and [`WaitUntilRunning`] then answer with it.
    ///
    /// # Panics
    /// Outside of an actix system (`#[actix::main]`), or when no thread can be made.
    pub fn start(mut self) -> Addr<Self> {
        self.owns_thread = true;
        if let Some(plan) = &mut self.plan {
            // What is current here is not current on the manager's thread.
            plan.options.dispatch.get_or_insert_with(|| dispatcher::get_default(Clone::clone));
        }
        Self::start_in_arbiter(&Arbiter::new().handle(), move |_| self)
    }

    /// Starts the manager and waits for its end. Answers to the seed's `Manager.Run`.
    ///
    /// # Errors
    /// What [`WaitForShutdown`] answers.
    ///
    /// # Panics
    /// As [`start`](Self::start) does.
    pub async fn run(self) -> Result<(), ManagerError> {
        self.start().send(WaitForShutdown).await?
    }
}

impl Plan {
    /// Everything that can be refused is refused here.
    fn check(mut self) -> Result<CheckedPlan, ConfigError> {
        let checked = self.options.check()?;
        if self.options.pings() {
            self.candidates.push(Candidate::grpc(ServiceSpec::new(PingService)));
        }
        let mut ids: HashSet<Name> = HashSet::new();
        for (at, candidate) in self.candidates.iter().enumerate() {
            if candidate.id.trim().is_empty() {
                return Err(ConfigError::EmptyId(at + 1));
            }
            let reserved = &*candidate.id == crate::grpc::SERVER_ID;
            if reserved || !ids.insert(candidate.id.clone()) {
                return Err(ConfigError::DuplicateId(candidate.id.to_string()));
            }
        }
        Ok(CheckedPlan { options: self.options, checked, candidates: self.candidates })
    }
}

impl Actor for Manager {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let Some(plan) = self.plan.take() else { return };
        match plan.check().and_then(|plan| Work::begin(plan, &ctx.address())) {
            Ok(work) => {
                self.work = Some(work);
                self.begin();
            }
            Err(error) => self.end(work::Ended::refused(ManagerError::config(error))),
        }
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        if self.owns_thread {
            Arbiter::current().stop();
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
        let stage = self.work.as_ref().map(Work::stage);
        f.debug_struct("Manager").field("stage", &stage).finish_non_exhaustive()
    }
}
