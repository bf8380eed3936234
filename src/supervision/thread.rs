//! A thread for actors: a system of its own, watched.

use std::sync::Arc;

use actix_rt::ArbiterHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::dispatcher::Dispatch;

use super::batch_delivery::{Job, Outbox};
use super::dispatch;
use super::system::{self, OnForeignStop, StopSeen};
use super::wake_monitor::WakeMonitor;
use super::watch::Watch;
use crate::base::{ThreadError, spawn};

/// A thread of ours.
#[derive(Debug)]
pub(crate) struct Thread {
    outbox: Outbox,
    watch: Arc<Watch>,
    over: CancellationToken,
    name: Arc<str>,
    /// Where log events of its actors go, if that is not where those of the thread go.
    dispatch: Option<Dispatch>,
}

/// What a thread is to be.
pub(crate) struct Purpose<'a> {
    /// Whom it is for, as errors say it.
    pub(crate) whom: &'a str,
    /// What the operating system calls it.
    pub(crate) name: String,
    /// Where its log events go.
    pub(crate) dispatch: &'a Dispatch,
    /// Its monitor, and the thread that this runs on, if there is one.
    pub(crate) wake_monitor: Option<(&'a Arc<WakeMonitor>, &'a ArbiterHandle)>,
    /// An arbiter whose stop counts as one of this thread's, too.
    pub(crate) outer: Option<ArbiterHandle>,
    pub(crate) on_foreign_stop: OnForeignStop,
}

impl Thread {
    /// Starts a thread.
    ///
    /// # Errors
    /// When the operating system refuses it, or what its runtime needs.
    pub(crate) fn start(purpose: Purpose<'_>) -> Result<Self, ThreadError> {
        let Purpose { whom, name, dispatch, wake_monitor, outer, on_foreign_stop } = purpose;
        let (over, watch) = (CancellationToken::new(), Arc::<Watch>::default());
        let watched = wake_monitor.map(|(wake_monitor, home)| wake_monitor.watch_over(&watch, home));
        let watched = watched.transpose().map_err(|error| ThreadError::new(whom, error))?;
        let guard = over.clone().drop_guard();
        let (outbox, jobs) = Outbox::new();
        let thread_name: Arc<str> = name.as_str().into();
        let seen = StopSeen::new(&thread_name, &watch, outer, on_foreign_stop);
        let dispatch = dispatch.clone();
        // Made here, so that nobody waits for the thread: what it is to do is queued until it is there.
        let runtime = system::runtime(&seen, watched).map_err(|error| ThreadError::new(whom, error))?;
        spawn(whom, name, move || {
            // Only then has its runtime dropped every task, tokio's as well as ours.
            let _over_in_the_end = guard;
            let _dispatch = dispatch::adopt(&dispatch);
            let _until_over = system::run(runtime, jobs, seen);
        })?;
        Ok(Self { outbox, watch, over, name: thread_name, dispatch: None })
    }

    /// The thread that this is called on, an arbiter's. It is somebody else's, and never ended.
    pub(super) fn this(dispatch: &Dispatch) -> Self {
        let (outbox, jobs) = Outbox::new();
        system::serve_here(jobs);
        Self {
            outbox,
            watch: Arc::default(),
            over: CancellationToken::new(),
            name: name_of_this(),
            dispatch: dispatch::listens(dispatch).then(|| dispatch.clone()),
        }
    }

    /// Where log events of its actors go, if that is not where those of the thread go.
    pub(super) fn dispatch(&self) -> Option<&Dispatch> {
        self.dispatch.as_ref()
    }

    /// What the operating system calls it.
    pub(crate) fn name(&self) -> Option<Arc<str>> {
        Some(Arc::clone(&self.name))
    }

    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// The way to it.
    pub(super) fn post(&self) -> Outbox {
        self.outbox.clone()
    }

    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.outbox.send(Job::Run(Box::new(job)));
    }

    /// Ends the thread once its current poll returns, with every task on it.
    pub(crate) fn stop(&self) {
        self.outbox.send(Job::Stop(None));
    }

    /// The same; what is handed over is dropped when the thread has dropped its tasks and ended.
    pub(super) fn stop_with(&self, until_over: TaskTrackerToken) {
        self.outbox.send(Job::Stop(Some(until_over)));
    }

    /// Resolves when the thread has dropped its tasks and ended.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + use<> {
        self.over.clone().cancelled_owned()
    }
}

/// What the operating system calls this thread.
fn name_of_this() -> Arc<str> {
    std::thread::current().name().unwrap_or("a thread").into()
}
