//! The threads of a manager: a few that are shared in turn, and as many of their own as are asked for.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use actix_rt::{Arbiter, ArbiterHandle, System};
use tracing::Dispatch;

use super::batch::deliver_first;
use super::thread::Thread;
use super::vigil::Vigil;

/// Threads, started when they are first needed.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Where threads are started for a caller that is on none of the system's threads.
    home: ArbiterHandle,
    /// Where the log events of its threads go.
    dispatch: Dispatch,
    /// Who looks at its threads.
    vigil: Option<Arc<Vigil>>,
    /// The one for all, where no other is to be started.
    only: Option<Arc<Thread>>,
    threads: Mutex<Threads>,
}

#[derive(Debug)]
struct Threads {
    shared: Vec<Option<Arc<Thread>>>,
    dedicated: Vec<Arc<Thread>>,
    stopped: bool,
}

impl Pool {
    /// A pool that shares at most `limit` threads.
    pub(crate) fn new(
        limit: usize,
        home: ArbiterHandle,
        dispatch: Dispatch,
        vigil: Option<Arc<Vigil>>,
    ) -> Self {
        let threads = Threads { shared: vec![None; limit.max(1)], dedicated: Vec::new(), stopped: false };
        Self { home, dispatch, vigil, only: None, threads: Mutex::new(threads) }
    }

    /// A pool of one thread, which is there already: the one that this is called on. It is not ended with the pool.
    pub(crate) fn of_this_thread(dispatch: &Dispatch) -> Self {
        let only = Some(Arc::new(Thread::this(dispatch)));
        Self { only, ..Self::new(1, Arbiter::current(), dispatch.clone(), None) }
    }

    /// Whether there is one thread for all.
    pub(crate) fn is_one_thread(&self) -> bool {
        self.only.is_some()
    }

    /// The thread that is dealt to number `turn`.
    pub(crate) fn shared(self: &Arc<Self>, turn: usize) -> io::Result<Arc<Thread>> {
        self.at_home(move |pool| pool.shared_here(turn))
    }

    /// A thread of one's own.
    pub(crate) fn dedicated(self: &Arc<Self>) -> io::Result<Arc<Thread>> {
        self.at_home(|pool| {
            let mut threads = pool.lock()?;
            let thread = Arc::new(pool.start()?);
            threads.dedicated.push(Arc::clone(&thread));
            Ok(thread)
        })
    }

    /// An arbiter can be started only from a thread of the system.
    fn at_home(
        self: &Arc<Self>,
        job: impl FnOnce(&Self) -> io::Result<Arc<Thread>> + Send + 'static,
    ) -> io::Result<Arc<Thread>> {
        if let Some(only) = &self.only {
            return self.lock().map(|_| Arc::clone(only));
        }
        if System::try_current().is_some() {
            return job(self);
        }
        let (sender, receiver) = mpsc::channel();
        let pool = Arc::clone(self);
        self.home.spawn_fn(move || {
            let _ = sender.send(job(&pool));
        });
        receiver.recv().map_err(|_| stopped())?
    }

    /// Those who have a thread already begin while another is made.
    fn start(&self) -> io::Result<Thread> {
        deliver_first();
        Thread::start(&self.dispatch, self.vigil.as_ref(), &self.home)
    }

    fn shared_here(&self, turn: usize) -> io::Result<Arc<Thread>> {
        let mut threads = self.lock()?;
        let count = threads.shared.len();
        let slot = &mut threads.shared[turn % count];
        if let Some(thread) = slot {
            return Ok(Arc::clone(thread));
        }
        let thread = Arc::new(self.start()?);
        *slot = Some(Arc::clone(&thread));
        Ok(thread)
    }

    /// The threads, unless they have been stopped.
    fn lock(&self) -> io::Result<MutexGuard<'_, Threads>> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if threads.stopped { Err(stopped()) } else { Ok(threads) }
    }

    /// Ends a thread that somebody had for himself, when its current poll returns. One that is shared goes on.
    pub(crate) fn let_go(&self, thread: &Arc<Thread>) {
        let Ok(mut threads) = self.lock() else { return };
        if let Some(at) = threads.dedicated.iter().position(|dedicated| Arc::ptr_eq(dedicated, thread)) {
            threads.dedicated.swap_remove(at).stop();
        }
    }

    /// The threads that have been started and not stopped.
    pub(crate) fn threads(&self) -> Vec<Arc<Thread>> {
        let Ok(threads) = self.lock() else { return Vec::new() };
        threads.shared.iter().flatten().chain(&threads.dedicated).cloned().collect()
    }

    /// Ends all threads, for good; resolves when those that are not blocked have dropped their tasks.
    pub(crate) fn stop(&self) -> impl Future<Output = ()> + use<> {
        let mut ended = Vec::new();
        if let Ok(mut threads) = self.lock() {
            threads.stopped = true;
            ended.append(&mut threads.dedicated);
            ended.extend(threads.shared.iter_mut().filter_map(Option::take));
        }
        for thread in &ended {
            thread.stop();
        }
        async move {
            for thread in ended {
                // A blocked one is known by name already; nobody waits for it.
                if !thread.watch().is_blocked() {
                    thread.over().await;
                }
            }
        }
    }
}

fn stopped() -> io::Error {
    io::Error::other("the manager has stopped")
}
