//! Starting resources, and keeping account of them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use actix::{Addr, Recipient};
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;
use tracing::info_span;

use super::provided::Provided;
use super::resource::{Release, Resource, ResourceSpec};
use super::signal::{Deadlines, Role, ShutdownSignal};
use crate::base::check_name;
use crate::events::Name;
use crate::supervision::{Control, Notice, Pool, Tag, Thread, launch};
#[cfg(feature = "testing")]
use crate::supervision::{InjectFault, PriorityInbox};

/// Starts the resources of one service, while it is set up or runs.
#[derive(Debug, Clone)]
pub struct Resources(Arc<Registry>);

/// Why a resource was not started. Nothing of it was.
///
/// It comes from [`Resources::start`]: return it from `Setup` or `Run`, where a shutdown has begun it is no failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// The service has a resource of this name already.
    #[error("{service} has a resource {name:?} already: give each its own name")]
    Duplicate {
        /// Whose it would have been.
        service: Name,
        /// The name.
        name: Name,
    },
    /// The name is empty.
    #[error(
        "{service} starts a resource without a name: give it one, it is what errors and reports call it by"
    )]
    Unnamed {
        /// Whose it would have been.
        service: Name,
    },
    /// The name is too long, or has control characters in it.
    #[error(
        "{service} starts a resource called {name}, {reason}: choose a name that can be shown and logged"
    )]
    Unfit {
        /// Whose it would have been.
        service: Name,
        /// The name, escaped, or its beginning.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Resources are being released already.
    #[error(
        "{service} starts resource {name:?} too late: resources are being released; start it in Setup, or early in Run"
    )]
    Closed {
        /// Whose it would have been.
        service: Name,
        /// The name.
        name: Name,
    },
    /// The service has started too many in this life, those that are gone included: each is in the report.
    #[error(
        "{service} starts resource {name:?} after {MOST} others: have one resource hold what comes and goes"
    )]
    TooMany {
        /// Whose it would have been.
        service: Name,
        /// The name.
        name: Name,
    },
    /// There is no thread to start it on.
    #[error(
        "could not start a thread for {service}'s resource {name:?} ({source}): raise the limits of the process"
    )]
    Thread {
        /// Whose it would have been.
        service: Name,
        /// The name.
        name: Name,
        /// What the operating system says.
        source: io::Error,
    },
}

/// How many resources a service may start in one life.
const MOST: usize = 65_536;

/// The account of a service's resources.
pub(crate) struct Registry {
    service: Name,
    turn: usize,
    pool: Arc<Pool>,
    deadlines: Arc<Deadlines>,
    provided: Provided,
    epoch: Option<u64>,
    observer: Box<Observer>,
    state: Mutex<State>,
}

/// Tells the manager, and answers for how long whoever told it is to sleep: not while it holds the account, which the manager needs.
type Observer = dyn Fn(u32, ResourceEvent) -> Option<Duration> + Send + Sync;

fn hold_up(delay: Option<Duration>) {
    if let Some(delay) = delay {
        thread::sleep(delay);
    }
}

#[derive(Default)]
struct State {
    closed: bool,
    started: SmallVec<[Arc<Started>; 1]>,
    /// How many the manager has been given.
    told: usize,
}

impl State {
    /// Whether a resource of this name may be started now.
    fn accepts(&self, service: &Name, name: &Name) -> Result<(), ResourceError> {
        let (service, name) = (service.clone(), name.clone());
        if self.closed {
            return Err(ResourceError::Closed { service, name });
        }
        if self.started.len() >= MOST {
            return Err(ResourceError::TooMany { service, name });
        }
        if self.started.iter().any(|started| started.name == name) {
            return Err(ResourceError::Duplicate { service, name });
        }
        Ok(())
    }
}

/// A resource that runs.
pub(crate) struct Started {
    pub(crate) name: Name,
    pub(crate) tag: Tag,
    pub(crate) thread: Arc<Thread>,
    pub(crate) control: Arc<Control>,
    pub(crate) signal: ShutdownSignal,
    pub(crate) release: Recipient<Release>,
    /// Makes it fail, in a rehearsal.
    #[cfg(feature = "testing")]
    pub(crate) inject_fault: InjectFault,
}

/// What the manager is told of a service's resources: by the resource's place in the order of starts.
#[derive(Debug)]
pub(crate) enum ResourceEvent {
    /// There is one more: take it by [`Registry::untold`].
    Started,
    Notice(Notice),
}

impl Resources {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self(registry)
    }

    /// Starts a resource on a thread for resources, under a name that is unique within the service. It is
    /// released when all runs have ended, before those that were started earlier.
    ///
    /// # Errors
    /// When the name is empty or taken, or when releasing has begun. Nothing is started then.
    pub fn start<R: Resource>(
        &self,
        name: impl Into<String>,
        resource: impl Into<ResourceSpec<R>>,
    ) -> Result<Addr<R>, ResourceError> {
        self.0.start(name.into().into(), resource.into())
    }

    /// Whether they live on the thread of the manager, as all does that it looks after.
    pub(crate) fn share_one_thread(&self) -> bool {
        self.0.pool.is_one_thread()
    }

    /// The epoch of the lease that this life has.
    pub(crate) fn epoch(&self) -> Option<u64> {
        self.0.epoch
    }

    pub(crate) fn service(&self) -> &Name {
        &self.0.service
    }

    /// What services share.
    pub(crate) fn provided(&self) -> &Provided {
        &self.0.provided
    }

    /// The service that these belong to.
    pub fn service_id(&self) -> &str {
        &self.0.service
    }
}

impl Registry {
    pub(crate) fn new(
        service: Name,
        turn: usize,
        pool: Arc<Pool>,
        deadlines: Arc<Deadlines>,
        provided: Provided,
        observer: impl Fn(u32, ResourceEvent) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        let observer = Box::new(observer);
        Self { service, turn, pool, deadlines, provided, epoch: None, observer, state: Mutex::default() }
    }

    /// Of a life that has a lease.
    pub(crate) fn with_epoch(self, epoch: Option<u64>) -> Self {
        Self { epoch, ..self }
    }

    fn start<R: Resource>(
        self: &Arc<Self>,
        name: Name,
        spec: ResourceSpec<R>,
    ) -> Result<Addr<R>, ResourceError> {
        let service = self.service.clone();
        if name.is_empty() {
            return Err(ResourceError::Unnamed { service });
        }
        if let Err(unfit) = check_name(&name) {
            return Err(ResourceError::Unfit { service, name: unfit.shown, reason: unfit.reason });
        }
        self.state.lock().accepts(&service, &name)?;
        // Without the lock: a thread may have to be made by the manager, which takes that lock, too.
        let thread = if spec.dedicated { self.pool.dedicated() } else { self.pool.shared(self.turn) };
        // Held to the end: a start is wholly before the close, or refused.
        let mut state = self.state.lock();
        state.accepts(&service, &name)?;
        let thread = match thread {
            Ok(thread) => thread,
            Err(error) => {
                let (_, source) = error.into_parts();
                return Err(ResourceError::Thread { service, name, source });
            }
        };
        let (tag, index) = (Tag::next(), state.started.len() as u32);
        let registry = Arc::clone(self);
        let observer = Box::new(move |notice| {
            hold_up((registry.observer)(index, ResourceEvent::Notice(notice)));
            None
        });
        // The manager hears of the start before it can hear of the end.
        let delay = (self.observer)(index, ResourceEvent::Started);
        let names = (service, name.clone());
        let span = self.pool.span(move || {
            let (service, resource) = names;
            info_span!(target: "majordomo", parent: None, "resource", %service, %resource)
        });
        let (addr, control) = launch(&thread, tag, spec.make, observer, None, span);
        state.started.push(Arc::new(Started {
            name,
            tag,
            thread,
            control,
            signal: ShutdownSignal::new(Arc::clone(&self.deadlines), Role::Resource),
            release: addr.clone().recipient(),
            #[cfg(feature = "testing")]
            inject_fault: PriorityInbox::<R>::with_fault,
        }));
        // A service that starts one after the other does not keep the manager from what it was just told of.
        MutexGuard::unlock_fair(state);
        hold_up(delay);
        Ok(addr)
    }

    /// The resources that were started since this was last asked.
    pub(crate) fn untold(&self) -> SmallVec<[Arc<Started>; 1]> {
        let mut state = self.state.lock();
        let untold = state.started[state.told..].iter().cloned().collect();
        state.told = state.started.len();
        untold
    }

    /// Refuses further resources, unless one was started or is being started. Whether it does.
    pub(crate) fn close_unused(&self) -> bool {
        // Whoever holds it may be starting one, which may take a while.
        let Some(mut state) = self.state.try_lock() else { return false };
        state.closed |= state.started.is_empty();
        state.started.is_empty()
    }

    /// Refuses further resources.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("service", &self.service).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use actix::Arbiter;

    use super::*;
    use crate::service::resource_fn;
    use crate::supervision::{Lodgers, dispatch};

    #[actix::test]
    async fn g16_who_starts_too_many_is_held_up_while_the_manager_takes_what_was_started() {
        let lodgers = Lodgers {
            kind: "resource",
            home: Arbiter::current(),
            dispatch: dispatch::current(),
            wake_monitor: None,
            on_foreign_stop: Arc::new(|_| ()),
        };
        let held_up = |_, _| Some(Duration::from_secs(3600));
        let pool = Arc::new(Pool::new(1, lodgers));
        let registry =
            Arc::new(Registry::new("a".into(), 0, pool, Arc::default(), Provided::default(), held_up));
        let starter = Arc::clone(&registry);
        thread::spawn(move || starter.start("db".into(), resource_fn(|| async { Ok(()) }).into()));
        let until = Instant::now() + Duration::from_secs(10);
        while registry.state.try_lock().is_none_or(|state| state.started.is_empty()) {
            assert!(Instant::now() < until, "it keeps the account, or has not started");
            thread::yield_now();
        }
        assert_eq!(registry.untold().len(), 1);
    }
}
