//! Where hyper has the streams of a connection run: on the worker of the connection, unless that is behind.
//!
//! A call ends itself at its deadline, but only where HTTP/2 asks it for more: one whose peer does not read is
//! not asked. Such a stream is reset from here, [`SLACK`] later, which drops its handler.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::server::application::StreamHints;
use crate::server::state::WorkerState;
use crate::server::worker::balance::elsewhere;

/// How much later than its deadline: whatever can be answered has been by then.
const SLACK: Duration = Duration::from_millis(20);

thread_local! {
    /// Of the request that the worker was handed last.
    static LATEST: Cell<StreamHints> = const { Cell::new(StreamHints { deadline: None, cost: None }) };
}

/// All workers of a server, once they have started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crew(Arc<OnceLock<Vec<Arc<WorkerState>>>>);

impl Crew {
    pub(crate) fn set(&self, workers: Vec<Arc<WorkerState>>) {
        // A server starts once.
        let _ = self.0.set(workers);
    }

    /// The others.
    fn beside<'a>(
        &'a self,
        home: &'a Arc<WorkerState>,
    ) -> impl Iterator<Item = &'a Arc<WorkerState>> + Clone {
        let all = self.0.get().map_or(&[][..], Vec::as_slice);
        all.iter().filter(move |worker| !Arc::ptr_eq(worker, home))
    }
}

/// Runs streams. HTTP/2 has a clone of it for each, so cloning touches nothing that other workers do.
#[derive(Clone)]
pub(crate) struct Streams(Arc<Place>);

/// Whose streams they are.
struct Place {
    home: Arc<WorkerState>,
    crew: Crew,
}

impl Streams {
    /// For the connections of one worker among several.
    pub(crate) fn new(home: Arc<WorkerState>, crew: Crew) -> Self {
        Self(Arc::new(Place { home, crew }))
    }

    /// What the next stream is run by: hyper runs a stream right after it has handed over its request.
    pub(crate) fn announce(hints: StreamHints) {
        let deadline = hints.deadline.and_then(|deadline| deadline.checked_add(SLACK));
        LATEST.set(StreamHints { deadline, ..hints });
    }

    /// Runs a stream that keeps its thread busy for a while.
    fn run_heavy<F>(&self, stream: F, cost: u64)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Place { home, crew } = &*self.0;
        let others = crew.beside(home).filter(|worker| worker.is_free());
        let at = elsewhere(home.backlog.get(), others.clone().map(|worker| worker.backlog.get()));
        let Some(other) = at.and_then(|at| others.clone().nth(at)) else {
            tokio::spawn(counted(stream, cost, Arc::clone(home)));
            return;
        };
        // A worker that drains waits for whoever has a token, and takes nobody in any more.
        let token = other.tasks.token();
        match other.runtime.get() {
            Some(runtime) if !other.draining.is_cancelled() => {
                let guest = counted(stream, cost, Arc::clone(other));
                drop(runtime.spawn(async move {
                    let _token = token;
                    guest.await;
                }));
            }
            _ => drop(tokio::spawn(counted(stream, cost, Arc::clone(home)))),
        }
    }
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        match LATEST.take() {
            StreamHints { deadline: None, cost: None } => drop(tokio::spawn(stream)),
            StreamHints { deadline: Some(at), cost: None } => drop(tokio::spawn(cut_at(at, stream))),
            StreamHints { deadline: None, cost: Some(cost) } => self.run_heavy(stream, cost),
            StreamHints { deadline: Some(at), cost: Some(cost) } => self.run_heavy(cut_at(at, stream), cost),
        }
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

async fn cut_at(at: Instant, stream: impl Future<Output = ()>) {
    tokio::select! {
        // First, so that a call that is answered at once needs no timer.
        biased;
        () = stream => {}
        () = sleep_until(at) => {}
    }
}

/// The stream, which is part of the worker's backlog until it has been polled.
fn counted<F>(stream: F, cost: u64, worker: Arc<WorkerState>) -> impl Future<Output = ()> + Send
where
    F: Future<Output = ()> + Send,
{
    let mut waiting = Some(Waiting::new(cost, worker));
    async move {
        let mut stream = pin!(stream);
        poll_fn(|cx| {
            let polled = stream.as_mut().poll(cx);
            waiting.take();
            polled
        })
        .await;
    }
}

/// A call's part of a backlog.
struct Waiting {
    cost: u64,
    worker: Arc<WorkerState>,
}

impl Waiting {
    fn new(cost: u64, worker: Arc<WorkerState>) -> Self {
        worker.backlog.add(cost);
        Self { cost, worker }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.worker.backlog.remove(self.cost);
    }
}
