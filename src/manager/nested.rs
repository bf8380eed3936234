//! A manager as a service of another: supervision as a tree.
//!
//! ```text
//!   parent                          NestedManager                         child
//!   Setup     ------------------->  starts it, held back  ------------->  sets up; runs nobody yet
//!   Run       ------------------->  lets it run  ---------------------->  runs
//!                                   answers as it ends  <---------------  Stopped
//!   Shutdown  ------------------->  StartShutdown, within the parent's time
//!   Release (of what it started)    ForceShutdown, where it is not over
//! ```

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use actix::{Actor, Addr, Context, Handler, Message, ResponseFuture, Supervised};

use crate::base::BoxError;
use crate::base::clock;
use crate::lifecycle::Budget;
use crate::manager::Manager;
use crate::manager::api::messages::{ForceShutdown, WaitForShutdown};
use crate::manager::api::nested_branch::{NestedAddresses, NestedBranch};
use crate::manager::engine::mailbox::ManagerContext;
use crate::manager::engine::waiters::WaitResponse;
use crate::report::ManagerError;
use crate::service::{
    GenericService, Release, Resource, Run, Service, ServiceSpec, Setup, Shutdown, ShutdownSignal,
};

/// What a child is called among the resources of its service.
const CHILD: &str = "manager";

type Answer = Result<(), BoxError>;

/// Makes a service of a whole manager. Its services are set up with the others of the parent, run when those do, and
/// are stopped when it is asked to stop: within its own limits, and within what the parent has left, whichever is less.
/// OTP: a supervisor as a child of a supervisor.
///
/// `make` is called once now, so that [`Manager::plan`] knows of it and refuses what cannot work; and once more for every
/// restart. What ends the child with an error is an error of this service: with a [`RestartPolicy`](crate::RestartPolicy) the whole
/// child is started again, else the parent shuts down.
///
/// Managers may be nested 64 deep. Signals are the parent's alone, and the ping service runs in a child only if it adds one.
///
/// ```
/// use majordomo::{Manager, ManagerOptions, RestartPolicy, nested, restartable_fn, service_fn};
///
/// # #[actix::main]
/// # async fn main() {
/// let tenants = nested("tenants", || {
///     Manager::new(ManagerOptions::new()).service(service_fn("acme", |_| async { Ok(()) }))
/// });
/// let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false))
///     .service(tenants.restart(RestartPolicy::on_failure()));
/// manager.run().await.unwrap();
/// # }
/// ```
pub fn nested(
    id: impl Into<String>,
    mut make: impl FnMut() -> Manager + Send + 'static,
) -> ServiceSpec<NestedManager> {
    let id = id.into();
    let mut make = move || make().hold_back();
    let first = make();
    // Made once, and before that of the parent: so a tree of any depth is planned in one go.
    let (plan, depth) = (first.plan(), 1 + first.depth());
    let branch = Arc::new(NestedBranch::new(plan, depth));
    let service = NestedManager {
        id,
        make: Box::new(make),
        next: Mutex::new(Some(first)),
        child: Arc::default(),
        branch: Arc::clone(&branch),
        told: Arc::default(),
    };
    ServiceSpec { nested: Some(branch), ..ServiceSpec::new(service) }
}

/// A manager that is a service of another, by [`nested`].
pub struct NestedManager {
    id: String,
    make: Box<dyn FnMut() -> Manager + Send>,
    /// The one that is started next, where it was made already.
    next: Mutex<Option<Manager>>,
    child: Arc<Mutex<Option<Addr<Manager>>>>,
    branch: Arc<NestedBranch>,
    /// Whether the child's end has been told.
    told: Arc<AtomicBool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Actor for NestedManager {
    type Context = Context<Self>;
}

impl Supervised for NestedManager {}

impl Service for NestedManager {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl GenericService for NestedManager {}

impl Handler<Setup> for NestedManager {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        let made = lock(&self.next).take();
        let child = made.unwrap_or_else(|| (self.make)());
        let child = match setup.resources.share_one_thread() {
            true => child.start_on_this_thread(),
            false => child.start(),
        };
        self.told = Arc::default();
        *lock(&self.child) = Some(child.clone());
        let addresses =
            NestedAddresses { status: child.clone().recipient(), life: child.clone().recipient() };
        self.branch.set_addresses(Some(addresses));
        let (told, shutdown) = (Arc::clone(&self.told), setup.shutdown);
        let resource = Child {
            child: child.clone(),
            told: Arc::clone(&told),
            place: Arc::clone(&self.child),
            branch: Arc::clone(&self.branch),
        };
        if let Err(error) = setup.resources.start(CHILD, resource) {
            child.do_send(ForceShutdown);
            return Box::pin(async move { Err(error.into()) });
        }
        Box::pin(async move {
            let set_up = child.send(WaitUntilSetUp);
            tokio::select! {
                biased;
                set_up = set_up => match set_up? {
                    Ok(()) => Ok(()),
                    Err(error) => told_now(&told, Err(error)),
                },
                () = shutdown.requested() => {
                    child.do_send(ShutdownWithin::of(&shutdown));
                    told_now(&told, child.send(WaitForShutdown).await?)
                }
            }
        })
    }
}

impl Handler<Run> for NestedManager {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, _: Run, _: &mut Context<Self>) -> Self::Result {
        let (child, told) = (lock(&self.child).clone(), Arc::clone(&self.told));
        Box::pin(async move {
            let Some(child) = child else { return Err("it was not set up".into()) };
            child.do_send(LetRun);
            told_now(&told, child.send(WaitForShutdown).await?)
        })
    }
}

impl Handler<Shutdown> for NestedManager {
    type Result = Answer;

    fn handle(&mut self, message: Shutdown, _: &mut Context<Self>) -> Answer {
        if let Some(child) = lock(&self.child).as_ref() {
            child.do_send(ShutdownWithin::of(&message.shutdown));
        }
        Ok(())
    }
}

/// How the child ended; nobody needs to tell it again.
fn told_now(told: &AtomicBool, end: Result<(), ManagerError>) -> Answer {
    told.store(true, Ordering::SeqCst);
    Ok(end?)
}

/// The child, as something to be given back: whatever becomes of its service, it comes to its end.
struct Child {
    child: Addr<Manager>,
    told: Arc<AtomicBool>,
    /// Where its service has it.
    place: Arc<Mutex<Option<Addr<Manager>>>>,
    branch: Arc<NestedBranch>,
}

impl Actor for Child {
    type Context = Context<Self>;
}

impl Resource for Child {}

impl Handler<Release> for Child {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, _: Release, _: &mut Context<Self>) -> Self::Result {
        self.child.do_send(ForceShutdown);
        let (child, told) = (self.child.clone(), Arc::clone(&self.told));
        let (place, branch) = (Arc::clone(&self.place), Arc::clone(&self.branch));
        Box::pin(async move {
            let end = child.send(WaitForShutdown).await?;
            lock(&place).take();
            branch.set_addresses(None);
            if told.load(Ordering::SeqCst) { Ok(()) } else { Ok(end?) }
        })
    }
}

/// Wait until every service of a manager that is held back is set up.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), ManagerError>")]
struct WaitUntilSetUp;

/// A manager that is held back may send `Run`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct LetRun;

/// Begin the shutdown, and be over at that time at the latest.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct ShutdownWithin(Option<Instant>);

impl ShutdownWithin {
    /// What a service that was asked to stop has left.
    fn of(shutdown: &ShutdownSignal) -> Self {
        Self(shutdown.deadline().map(|at| {
            let now = clock::now();
            now + Budget::leaving_a_margin(at.saturating_duration_since(now))
        }))
    }
}

impl Handler<WaitUntilSetUp> for Manager {
    type Result = WaitResponse;

    fn handle(&mut self, _: WaitUntilSetUp, _: &mut ManagerContext) -> WaitResponse {
        self.set_up_waiters.join()
    }
}

impl Handler<LetRun> for Manager {
    type Result = ();

    fn handle(&mut self, _: LetRun, _: &mut ManagerContext) {
        self.let_run();
    }
}

impl Handler<ShutdownWithin> for Manager {
    type Result = ();

    fn handle(&mut self, ShutdownWithin(at): ShutdownWithin, _: &mut ManagerContext) {
        self.shut_down_within(at);
    }
}

impl fmt::Debug for NestedManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NestedManager").field("id", &self.id).finish_non_exhaustive()
    }
}
