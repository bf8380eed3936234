//! The threads of a manager: a few that are shared in turn, and as many of their own as are asked for.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use actix_rt::{ArbiterHandle, System};

use super::thread::Thread;

/// Threads, started when they are first needed.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Where threads are started for a caller that is on none of the system's threads.
    home: ArbiterHandle,
    shared: Mutex<Vec<Option<Arc<Thread>>>>,
    dedicated: Mutex<Vec<Arc<Thread>>>,
}

impl Pool {
    /// A pool that shares at most `limit` threads.
    pub(crate) fn new(limit: usize, home: ArbiterHandle) -> Self {
        Self { home, shared: Mutex::new(vec![None; limit.max(1)]), dedicated: Mutex::default() }
    }

    /// The thread that is dealt to number `turn`.
    pub(crate) fn shared(self: &Arc<Self>, turn: usize) -> io::Result<Arc<Thread>> {
        self.at_home(move |pool| pool.shared_here(turn))
    }

    /// A thread of one's own.
    pub(crate) fn dedicated(self: &Arc<Self>) -> io::Result<Arc<Thread>> {
        self.at_home(|pool| {
            let thread = Arc::new(Thread::start()?);
            lock(&pool.dedicated).push(Arc::clone(&thread));
            Ok(thread)
        })
    }

    /// An arbiter can be started only from a thread of the system.
    fn at_home(
        self: &Arc<Self>,
        job: impl FnOnce(&Self) -> io::Result<Arc<Thread>> + Send + 'static,
    ) -> io::Result<Arc<Thread>> {
        if System::try_current().is_some() {
            return job(self);
        }
        let (sender, receiver) = mpsc::channel();
        let pool = Arc::clone(self);
        self.home.spawn_fn(move || {
            let _ = sender.send(job(&pool));
        });
        receiver.recv().map_err(|_| io::Error::other("the manager has stopped"))?
    }

    fn shared_here(&self, turn: usize) -> io::Result<Arc<Thread>> {
        let mut threads = lock(&self.shared);
        let count = threads.len();
        let slot = &mut threads[turn % count];
        if let Some(thread) = slot {
            return Ok(Arc::clone(thread));
        }
        let thread = Arc::new(Thread::start()?);
        *slot = Some(Arc::clone(&thread));
        Ok(thread)
    }

    /// Ends all threads; resolves when those that are not blocked have dropped their tasks.
    pub(crate) fn stop(&self) -> impl Future<Output = ()> + use<> {
        let mut threads = std::mem::take(&mut *lock(&self.dedicated));
        threads.extend(lock(&self.shared).iter_mut().filter_map(Option::take));
        for thread in &threads {
            thread.stop();
        }
        async move {
            for thread in threads {
                // A blocked one is known by name already; nobody waits for it.
                if thread.watch().busy().is_none() {
                    thread.over().await;
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
