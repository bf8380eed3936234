//! A thread's own actix system, which nobody can stop from within.
//!
//! ```text
//!   System::stop, Arbiter::stop --> its arbiter ends: Arbiter::spawn does nothing any more, arbiters made there are stopped
//!                                   |
//!   our jobs, actors and tasks go on; told once, with whoever was polled since the thread last rested
//!   our own end --> tasks are dropped, arbiters made there are stopped
//! ```
//!
//! actix's `System::run` and arbiters end by a message that any code on the thread can send, and drop all actors where they stand.
//! Here the system is driven by a future of ours, and what it has to do comes by a queue of ours. A stop from outside shows in the
//! system's own arbiter, whose queue it closes: to ask for that takes one load, at every rest of the thread and before its tasks.

use std::future::Future;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use actix_rt::{ArbiterHandle, System};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::batch_delivery::Job;
use super::wake_monitor::Watched;
use super::watch::{Tag, Watch};

/// What is called when a thread's system is stopped by others, once a thread. It must not wait.
pub(crate) type OnForeignStop = Arc<dyn Fn(ForeignStop) + Send + Sync>;

/// A stop of a thread's system that is none of ours.
#[derive(Debug)]
pub(crate) struct ForeignStop {
    /// The thread's name.
    pub(crate) thread: Arc<str>,
    /// The actors that were polled there since it last rested, the latest first: one of them did it, or a task that is no actor's.
    pub(crate) polled: Vec<Tag>,
}

/// Looks for a stop that is none of ours.
pub(super) struct StopSeen {
    arbiter: OnceLock<ArbiterHandle>,
    told: AtomicBool,
    thread: Arc<str>,
    watch: Arc<Watch>,
    /// Another whose stop is told as well.
    outer: Option<ArbiterHandle>,
    tell: OnForeignStop,
}

impl StopSeen {
    pub(super) fn new(
        thread: &Arc<str>,
        watch: &Arc<Watch>,
        outer: Option<ArbiterHandle>,
        tell: OnForeignStop,
    ) -> Arc<Self> {
        let (arbiter, told) = (OnceLock::new(), AtomicBool::new(false));
        let (thread, watch) = (Arc::clone(thread), Arc::clone(watch));
        Arc::new(Self { arbiter, told, thread, watch, outer, tell })
    }

    /// Only on its own thread.
    fn look(&self) {
        let dead = |arbiter: &ArbiterHandle| !arbiter.alive();
        let stopped = self.arbiter.get().is_some_and(dead) || self.outer.as_ref().is_some_and(dead);
        if stopped && !self.told.load(Ordering::Relaxed) {
            self.told.store(true, Ordering::Relaxed);
            let (thread, polled) = (Arc::clone(&self.thread), self.watch.polled_since_rest());
            (self.tell)(ForeignStop { thread, polled });
        }
    }

    /// The thread comes to rest: a stop before that would show by now.
    fn rests(&self) {
        self.look();
        self.watch.rests();
    }
}

/// The runtime of a thread.
///
/// # Errors
/// When the operating system refuses what it needs.
pub(super) fn runtime(seen: &Arc<StopSeen>, watched: Option<Watched>) -> io::Result<UnusedRuntime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    let seen = Arc::clone(seen);
    let begins = watched.map(Arc::new);
    match begins.clone() {
        None => builder.on_thread_park(move || seen.rests()),
        Some(watched) => {
            let wakes = Arc::clone(&watched);
            builder.on_thread_unpark(move || wakes.wakes()).on_thread_park(move || {
                seen.rests();
                watched.rests();
            })
        }
    };
    Ok(UnusedRuntime { runtime: Some(builder.build()?), begins })
}

/// A runtime that no thread drives yet. Where it comes to none it is dropped by whoever made it, who may be within another, which must not wait.
pub(super) struct UnusedRuntime {
    runtime: Option<Runtime>,
    /// What is watched from its beginning on.
    begins: Option<Arc<Watched>>,
}

impl UnusedRuntime {
    /// On the thread that is to drive it. Watched until what comes with it is dropped.
    fn begin(mut self) -> Option<(Runtime, Option<Awake>)> {
        let awake = self.begins.take().map(|watched| {
            watched.wakes();
            Awake(watched)
        });
        self.runtime.take().zip(Some(awake))
    }
}

/// A thread that is watched.
struct Awake(Arc<Watched>);

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.is_over();
    }
}

impl Drop for UnusedRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Makes the calling thread that of a system, and drives it until it is told to stop. What it is handed with that is to be dropped when
/// all is over.
pub(super) fn run(
    runtime: UnusedRuntime,
    jobs: mpsc::UnboundedReceiver<Job>,
    seen: Arc<StopSeen>,
) -> Option<TaskTrackerToken> {
    // Also while tasks are dropped with the runtime.
    let (runtime, _awake) = runtime.begin()?;
    let system = System::with_tokio_rt(move || runtime);
    system.block_on(async move {
        let _ = seen.arbiter.set(actix_rt::Arbiter::current());
        let mut driven = Driven { jobs, seen: &seen };
        let until_over = (&mut driven).await;
        driven.jobs.close();
        while let Ok(late) = driven.jobs.try_recv() {
            late.discard();
        }
        seen.told.store(true, Ordering::Relaxed);
        // Arbiters that were made here end with the thread, which nobody else would tell them.
        System::current().stop();
        // The system takes that in before it comes to this.
        let _ = actix_rt::spawn(async {}).await;
        until_over
    })
}

/// Takes in jobs until there is an end of them.
struct Driven<'a> {
    jobs: mpsc::UnboundedReceiver<Job>,
    seen: &'a StopSeen,
}

impl Future for Driven<'_> {
    type Output = Option<TaskTrackerToken>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.jobs.poll_recv(cx) {
                Poll::Ready(Some(job)) => {
                    if let ControlFlow::Break(until_over) = job.perform() {
                        return Poll::Ready(until_over);
                    }
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        self.seen.look();
        Poll::Pending
    }
}

/// The same on a thread of somebody else, as a task.
pub(super) fn serve_here(mut jobs: mpsc::UnboundedReceiver<Job>) {
    actix_rt::Arbiter::current()
        .spawn(async move { while jobs.recv().await.is_some_and(|job| job.perform().is_continue()) {} });
}
