//! A worker: a thread with a single-threaded runtime, on which connections of all servers of a manager are served.
//!
//! ```text
//!   serving --its manager ends-----------------------------------------> ended: what is left on it is dropped
//!      |
//!      +-- a handler that outlives its server blocks it --> left --nothing of any server is on it--> ended
//! ```

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::base::{ThreadError, spawn_with};
use crate::events::Name;
use crate::server::worker::alarm::Alarm;
use crate::server::worker::balance::Backlog;
use crate::server::worker::current_poll::CurrentPoll;
use crate::server::worker::idle::{Cores, WhenIdle};
use crate::supervision::{dispatch, panics};

/// What all threads of servers begin their names with.
const PREFIX: &str = "server-worker-";

/// A worker, as all servers know it.
#[derive(Debug, Default)]
pub(crate) struct WorkerThread {
    pub(crate) name: Name,
    /// Where its tasks run, once it does.
    pub(crate) runtime: OnceLock<Handle>,
    /// Calls that are not light and wait for their first poll.
    pub(crate) backlog: Backlog,
    /// The handler that it is in.
    pub(crate) poll: Arc<CurrentPoll>,
    /// What it does with nothing to do. No part of it knows the runtime, which has it.
    pub(crate) idle: Arc<WhenIdle>,
    /// Connections with open calls, of all servers.
    pub(crate) carrying: AtomicUsize,
    /// What each server has on it.
    servers: TaskTracker,
    /// Another has taken its place.
    left: CancellationToken,
}

/// What the threads of a manager have in common.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    /// All are to end.
    pub(crate) end: CancellationToken,
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) cores: Arc<Cores>,
    /// Each lets go of it in the end.
    pub(crate) alive: mpsc::Sender<Infallible>,
}

impl WorkerThread {
    /// Starts one, whose log events go where this thread's go.
    pub(crate) fn start(
        number: usize,
        common: Common,
    ) -> Result<(Arc<Self>, JoinHandle<Option<()>>), ThreadError> {
        let name = format!("{PREFIX}{number}");
        let Common { end, alarm, cores, alive } = common;
        let idle = Arc::new(WhenIdle::new(cores));
        let worker =
            Arc::new(Self { name: name.as_str().into(), idle: Arc::clone(&idle), ..Self::default() });
        let (parks, unparks) = (Arc::clone(&idle), idle);
        let its_own = Arc::clone(&worker);
        let runtime = move || {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .on_thread_park(move || parks.park())
                .on_thread_unpark(move || {
                    unparks.unpark();
                    alarm.ring();
                })
                .build()?;
            // It has none yet.
            let _ = its_own.runtime.set(runtime.handle().clone());
            Ok(runtime)
        };
        let (dispatch, its_own) = (dispatch::current(), Arc::clone(&worker));
        let thread = spawn_with("a worker", name, runtime, move |runtime| {
            let _alive = alive;
            let _dispatch = dispatch::adopt(&dispatch);
            panics::keep_latest();
            its_own.poll.adopt();
            let _begun = its_own.idle.begin();
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = end.cancelled() => {}
                    () = its_own.out_of_use() => {}
                    () = its_own.idle.looks() => {}
                }
            });
            // Drops all that is left on it; waits for no blocking task of a handler.
            runtime.shutdown_background();
        })?;
        Ok((worker, thread))
    }

    /// The current thread, for paused time, which is one thread's: nobody watches it.
    pub(crate) fn this() -> Arc<Self> {
        panics::keep_latest();
        let worker = Self { name: format!("{PREFIX}0").into(), ..Self::default() };
        // It has none yet.
        let _ = worker.runtime.set(Handle::current());
        Arc::new(worker)
    }

    /// Runs what a server has on it.
    pub(crate) fn serve(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = self.runtime.get() {
            drop(self.servers.spawn_on(work, runtime));
        }
    }

    /// Another has taken its place: it ends when all that servers have on it has.
    pub(crate) fn leave(&self) {
        self.servers.close();
        self.left.cancel();
    }

    async fn out_of_use(&self) {
        self.left.cancelled().await;
        self.servers.wait().await;
    }

    /// Whether another has taken its place.
    pub(crate) fn was_replaced(&self) -> bool {
        self.left.is_cancelled()
    }

    /// Whether it has time for calls of others: nothing to do at all, or nothing but such.
    pub(crate) fn is_free(&self) -> bool {
        self.is_parked() || self.carrying.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.idle.is_parked()
    }

    /// Whether it is gone, or will be after a few instructions.
    pub(crate) fn has_left(&self) -> bool {
        self.left.is_cancelled() && self.servers.is_empty()
    }
}
