//! The workers of a manager: threads that serve the connections of all its servers.
//!
//! ```text
//!   none --the first server runs--> as many as it asks for --another asks for more--> so many --the manager ends--> none
//!                                        |       ^
//!                                        +-------+-- one that a handler blocks whose server has ended: another takes its place
//! ```
//!
//! A server uses the first of them, as many as it asks for. Beside them there is one thread that accepts connections, conducts
//! drains, and looks after workers that a handler blocks: no code of a user runs there.
//!
//! In paused time there are no threads: one that is there already is the only worker, and accepts as well.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::base::{ThreadError, spawn_with};
use crate::server::worker::stuck::StallWatch;
use crate::server::worker::thread::{Common, WorkerThread};
use crate::supervision::dispatch;

/// So many threads that handlers block may be left behind at a time; a further one is not replaced, and its connections wait.
const MOST_LEFT_BEHIND: usize = 64;

/// Those who serve, in their order.
pub(crate) type Serving = Arc<[Arc<WorkerThread>]>;

/// The workers of a manager. Dropping the last of these ends them, too.
#[derive(Debug, Clone)]
pub(crate) struct Workers(Arc<Inner>);

/// The same, not kept by this.
#[derive(Debug, Clone)]
pub(crate) struct WeakWorkers(Weak<Inner>);

#[derive(Debug)]
struct Inner {
    one_thread: bool,
    watch: Arc<StallWatch>,
    end: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    acceptor: Option<Handle>,
    serving: watch::Sender<Serving>,
    /// Those that have left as well.
    threads: Vec<Started>,
    /// Present while threads may be started.
    common: Option<(Common, mpsc::Receiver<Infallible>)>,
    /// How many workers, and how many lives of servers, there have been.
    next: usize,
    lives: usize,
    ended: bool,
}

/// A thread that was started.
#[derive(Debug)]
struct Started {
    /// `None`: the one that accepts.
    worker: Option<Arc<WorkerThread>>,
    thread: JoinHandle<Option<()>>,
}

/// What a life of a server has of them.
#[derive(Debug)]
pub(crate) struct Joined {
    /// Where connections are accepted.
    pub(crate) acceptor: Handle,
    pub(crate) serving: watch::Receiver<Serving>,
    pub(crate) watch: Arc<StallWatch>,
    /// Who is dealt the first connection.
    pub(crate) turn: usize,
    pub(crate) workers: WeakWorkers,
    /// Whether all is one thread.
    pub(crate) one_thread: bool,
}

impl Workers {
    /// None as yet. A handler that blocks one for so long is told.
    pub(crate) fn new(stuck_after: Option<Duration>) -> Self {
        Self::with(stuck_after, false)
    }

    /// The thread that the servers themselves live on.
    pub(crate) fn of_this_thread() -> Self {
        Self::with(None, true)
    }

    fn with(stuck_after: Option<Duration>, one_thread: bool) -> Self {
        let watch = Arc::new(StallWatch::new(stuck_after));
        Self(Arc::new(Inner { one_thread, watch, end: CancellationToken::new(), state: Mutex::default() }))
    }

    /// A life of a server begins, which uses so many of them.
    pub(crate) fn join(&self, count: usize) -> Result<Joined, ThreadError> {
        let inner = &self.0;
        let mut state = inner.lock();
        let acceptor = match &state.acceptor {
            Some(acceptor) => acceptor.clone(),
            None => state.begin(inner)?,
        };
        while !inner.one_thread && state.serving.borrow().len() < count {
            let worker = state.start(inner)?;
            state.change(|serving| serving.push(worker));
        }
        let turn = state.lives;
        state.lives += 1;
        Ok(Joined {
            acceptor,
            serving: state.serving.subscribe(),
            watch: Arc::clone(&inner.watch),
            turn,
            workers: WeakWorkers(Arc::downgrade(inner)),
            one_thread: inner.one_thread,
        })
    }

    /// Ends them, for good; resolves when those that no handler blocks have dropped what was left on them.
    pub(crate) fn stop(&self) -> impl Future<Output = ()> + use<> {
        self.0.end.cancel();
        let mut state = self.0.lock();
        state.ended = true;
        let threads = std::mem::take(&mut state.threads);
        let alive = state.common.take();
        drop(state);
        async move {
            let is_blocked = |started: &Started| {
                started.worker.as_ref().is_some_and(|worker| worker.poll.current().is_some())
            };
            // A server whose handler blocks one has named it, and has waited before.
            if threads.iter().any(is_blocked) {
                return;
            }
            if let Some((common, mut alive)) = alive {
                drop(common);
                while alive.recv().await.is_some() {}
            }
            for started in threads {
                // It has nothing left to do, and nothing to tell.
                let _ = started.thread.join();
            }
        }
    }
}

impl WeakWorkers {
    /// Another is to take the place of that one, which a handler blocks whose server has ended.
    pub(crate) fn replace(&self, blocked: &Arc<WorkerThread>) {
        let Some(inner) = self.0.upgrade() else { return };
        let mut state = inner.lock();
        let place = state.serving.borrow().iter().position(|worker| Arc::ptr_eq(worker, blocked));
        let Some(place) = place.filter(|_| !state.ended) else { return };
        let replacement = match state.left_behind() < MOST_LEFT_BEHIND {
            true => state.start(&inner),
            false => {
                let why = format!(
                    "{MOST_LEFT_BEHIND} others are blocked already: have that code yield, or move it elsewhere"
                );
                Err(ThreadError::new("a worker", std::io::Error::other(why)))
            }
        };
        match replacement {
            Ok(worker) => {
                state.change(|serving| serving[place] = worker);
                blocked.leave();
            }
            Err(error) => {
                tracing::warn!(%error, worker = %blocked.name, "a worker that a handler blocks could not be replaced");
            }
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl State {
    /// The first server begins.
    fn begin(&mut self, inner: &Inner) -> Result<Handle, ThreadError> {
        let acceptor = if inner.one_thread {
            self.change(|serving| serving.push(WorkerThread::this()));
            Handle::current()
        } else {
            let (alive, ended) = mpsc::channel(1);
            let (end, alarm) = (inner.end.clone(), Arc::clone(&inner.watch.alarm));
            let common = Common { end, alarm, cores: Arc::default(), alive };
            let (acceptor, thread) = start_acceptor(common.clone(), Arc::clone(&inner.watch))?;
            self.threads.push(Started { worker: None, thread });
            self.common = Some((common, ended));
            acceptor
        };
        self.acceptor = Some(acceptor.clone());
        Ok(acceptor)
    }

    /// Another worker.
    fn start(&mut self, inner: &Inner) -> Result<Arc<WorkerThread>, ThreadError> {
        let Some((common, _)) = self.common.as_ref().filter(|_| !self.ended) else {
            return Err(ThreadError::new("a worker", std::io::Error::other("the manager has stopped")));
        };
        let (worker, thread) = WorkerThread::start(self.next, common.clone())?;
        self.next += 1;
        self.threads.retain(|started| !started.thread.is_finished());
        self.threads.push(Started { worker: Some(Arc::clone(&worker)), thread });
        inner.watch.add(Arc::clone(&worker));
        Ok(worker)
    }

    /// How many threads have left, and cannot end.
    fn left_behind(&self) -> usize {
        let left = |started: &&Started| started.worker.as_ref().is_some_and(|worker| worker.was_replaced());
        self.threads.iter().filter(|started| !started.thread.is_finished()).filter(left).count()
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<Arc<WorkerThread>>)) {
        let mut serving = self.serving.borrow().to_vec();
        change(&mut serving);
        self.serving.send_replace(serving.into());
    }
}

/// The thread that accepts for all servers.
fn start_acceptor(
    common: Common,
    watch: Arc<StallWatch>,
) -> Result<(Handle, JoinHandle<Option<()>>), ThreadError> {
    let (tell, told) = std::sync::mpsc::channel();
    let runtime = move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let _ = tell.send(runtime.handle().clone());
        Ok(runtime)
    };
    let dispatch = dispatch::current();
    let thread = spawn_with("the acceptor", "server-acceptor".to_owned(), runtime, move |runtime| {
        let _alive = common.alive;
        let _dispatch = dispatch::adopt(&dispatch);
        runtime.block_on(async {
            tokio::select! {
                () = common.end.cancelled() => {}
                // It never ends.
                () = watch.run() => {}
            }
        });
        drop(runtime);
    })?;
    let lost = |_| ThreadError::new("the acceptor", std::io::Error::other("it ended at its start"));
    Ok((told.recv().map_err(lost)?, thread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix::test]
    async fn g17_no_more_threads_are_left_behind_than_their_bound() {
        let workers = Workers::new(None);
        let mut joined = workers.join(1).unwrap();
        let first = |joined: &mut Joined| Arc::clone(&joined.serving.borrow_and_update()[0]);
        let mut unblock = Vec::new();
        for _ in 0..MOST_LEFT_BEHIND {
            let blocked = first(&mut joined);
            let (go, gate) = std::sync::mpsc::channel::<()>();
            blocked.serve(async move {
                let _ = gate.recv();
            });
            unblock.push(go);
            joined.workers.replace(&blocked);
            assert!(!Arc::ptr_eq(&blocked, &first(&mut joined)));
        }
        let last = first(&mut joined);
        joined.workers.replace(&last);
        assert!(Arc::ptr_eq(&last, &first(&mut joined)), "it stays");
        // One that is done makes room.
        let ended = workers.0.lock().threads.iter().position(|started| started.worker.is_some()).unwrap();
        let thread = workers.0.lock().threads.remove(ended).thread;
        unblock.remove(0);
        thread.join().unwrap();
        joined.workers.replace(&last);
        assert!(!Arc::ptr_eq(&last, &first(&mut joined)));
        drop(unblock);
        workers.stop().await;
    }
}
