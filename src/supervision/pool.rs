//! The threads of a manager: a few that are shared in turn, and as many of their own as are asked for.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_rt::{Arbiter, ArbiterHandle};
use tokio_util::task::TaskTracker;
use tracing::{Dispatch, Span};

use super::actor_span::{MakeSpan, made_by};
use super::batch_delivery::deliver_first;
use super::system::OnForeignStop;
use super::thread::{Purpose, Thread};
use super::wake_monitor::WakeMonitor;
use crate::base::ThreadError;

/// Threads, started when they are first needed.
#[derive(Debug)]
pub(crate) struct Pool {
    lodgers: Lodgers,
    /// The one for all, where no other is to be started.
    only: Option<Arc<Thread>>,
    shared: Vec<Place>,
    dedicated: Mutex<Vec<Arc<Thread>>>,
    stopped: AtomicBool,
}

/// What all threads of a pool have in common.
pub(crate) struct Lodgers {
    /// What lives there, in a word: `service`.
    pub(crate) kind: &'static str,
    /// Where they are looked at from.
    pub(crate) home: ArbiterHandle,
    /// Where their log events go.
    pub(crate) dispatch: Dispatch,
    /// The monitor of these threads.
    pub(crate) wake_monitor: Option<Arc<WakeMonitor>>,
    pub(crate) on_foreign_stop: OnForeignStop,
}

/// A place of a shared thread, which is made with the first actor that is dealt to it. Each has a lock of its own, so that threads are made side by side.
#[derive(Debug, Default)]
struct Place(Mutex<Option<Arc<Thread>>>);

impl Place {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Thread>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// A pool that shares at most `limit` threads.
    pub(crate) fn new(limit: usize, lodgers: Lodgers) -> Self {
        let shared = (0..limit.max(1)).map(|_| Place::default()).collect();
        Self { lodgers, only: None, shared, dedicated: Mutex::default(), stopped: AtomicBool::new(false) }
    }

    /// A pool of one thread, which is there already: the one that this is called on. It is not ended with the pool.
    pub(crate) fn of_this_thread(dispatch: &Dispatch) -> Self {
        let only = Some(Arc::new(Thread::this(dispatch)));
        let lodgers = Lodgers {
            kind: "service",
            home: Arbiter::current(),
            dispatch: dispatch.clone(),
            wake_monitor: None,
            on_foreign_stop: Arc::new(|_| ()),
        };
        Self { only, ..Self::new(1, lodgers) }
    }

    /// Whether there is one thread for all.
    pub(crate) fn is_one_thread(&self) -> bool {
        self.only.is_some()
    }

    /// How the span of an actor there is made, if anybody listens.
    pub(crate) fn span(&self, make: impl FnOnce() -> Span + Send + 'static) -> Option<MakeSpan> {
        made_by(&self.lodgers.dispatch, make)
    }

    /// The thread that is dealt to number `turn`.
    pub(crate) fn shared(&self, turn: usize) -> Result<Arc<Thread>, ThreadError> {
        if let Some(only) = &self.only {
            return Ok(Arc::clone(only));
        }
        let mut place = self.shared[turn % self.shared.len()].lock();
        // The end sets this first, and then looks at each place.
        self.check()?;
        if let Some(thread) = &*place {
            return Ok(Arc::clone(thread));
        }
        Ok(Arc::clone(place.insert(Arc::new(self.start()?))))
    }

    /// A thread of one's own.
    pub(crate) fn dedicated(&self) -> Result<Arc<Thread>, ThreadError> {
        if let Some(only) = &self.only {
            return Ok(Arc::clone(only));
        }
        let mut dedicated = self.lock_dedicated();
        self.check()?;
        let thread = Arc::new(self.start()?);
        dedicated.push(Arc::clone(&thread));
        Ok(thread)
    }

    /// Actors that have a thread begin while the next thread is made.
    fn start(&self) -> Result<Thread, ThreadError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        deliver_first();
        let Lodgers { kind, home, dispatch, wake_monitor, on_foreign_stop } = &self.lodgers;
        Thread::start(Purpose {
            whom: &self.whom(),
            name: format!("{kind}-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            dispatch,
            wake_monitor: wake_monitor.as_ref().map(|wake_monitor| (wake_monitor, home)),
            outer: None,
            on_foreign_stop: Arc::clone(on_foreign_stop),
        })
    }

    fn whom(&self) -> String {
        format!("{}s", self.lodgers.kind)
    }

    fn check(&self) -> Result<(), ThreadError> {
        match self.stopped.load(Ordering::SeqCst) {
            true => Err(ThreadError::new(self.whom(), io::Error::other("the manager has stopped"))),
            false => Ok(()),
        }
    }

    fn lock_dedicated(&self) -> MutexGuard<'_, Vec<Arc<Thread>>> {
        self.dedicated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a thread that one actor had alone, when its current poll returns. A shared thread goes on.
    pub(crate) fn let_go(&self, thread: &Arc<Thread>) {
        let mut dedicated = self.lock_dedicated();
        if let Some(at) = dedicated.iter().position(|dedicated| Arc::ptr_eq(dedicated, thread)) {
            dedicated.swap_remove(at).stop();
        }
    }

    /// The threads that have been started and not stopped.
    pub(crate) fn threads(&self) -> Vec<Arc<Thread>> {
        let shared = self.shared.iter().filter_map(|place| place.lock().clone());
        shared.chain(self.lock_dedicated().iter().cloned()).collect()
    }

    /// Ends all threads, for good. Those that are not blocked keep the tracker from being empty until they have dropped their tasks.
    pub(crate) fn stop(&self, ends: &TaskTracker) {
        self.stopped.store(true, Ordering::SeqCst);
        let mut ended: Vec<_> = self.shared.iter().filter_map(|place| place.lock().take()).collect();
        ended.append(&mut self.lock_dedicated());
        for thread in &ended {
            // A blocked one is known by name already; nobody waits for it.
            match thread.watch().is_blocked() {
                true => thread.stop(),
                false => thread.stop_with(ends.token()),
            }
        }
    }
}

impl std::fmt::Debug for Lodgers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lodgers")
            .field("kind", &self.kind)
            .field("wake_monitor", &self.wake_monitor)
            .finish_non_exhaustive()
    }
}
