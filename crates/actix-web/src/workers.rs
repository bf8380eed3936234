//! The worker threads of a server: which are there, what each is polling, and when all have ended.
//!
//! ```text
//!   actix starts a thread --its first App is made--> enters --the thread ends--> leaves
//! ```
//!
//! actix-server keeps no handle of its threads. Each of ours has a thread-local value, dropped when the thread ends: after its
//! runtime, with all tasks and connections, and after what `web::block` was running there.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slab::Slab;
use tokio::sync::Notify;

/// The worker threads of one server, in one life.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    there: Mutex<Vec<Arc<Worker>>>,
    one_less: Condvar,
    none_left: Notify,
}

/// A worker thread.
#[derive(Debug)]
pub(crate) struct Worker {
    /// What the operating system calls it.
    pub(crate) thread: String,
    pub(crate) state: Mutex<WorkerState>,
}

/// What a worker does. Locked by others only to be read, so that it never waits.
#[derive(Debug, Default)]
pub(crate) struct WorkerState {
    pub(crate) open: Slab<OpenRequest>,
    pub(crate) arrived: u64,
    /// The request that is being polled, and since when.
    polled: Option<(usize, Instant)>,
}

/// A request that has not ended.
#[derive(Debug)]
pub(crate) struct OpenRequest {
    pub(crate) label: String,
    pub(crate) began: Instant,
}

/// A thread's stay among the workers.
struct Stay {
    workers: Arc<Workers>,
    worker: Arc<Worker>,
}

thread_local! {
    static STAY: RefCell<Option<Stay>> = const { RefCell::new(None) };
}

impl Workers {
    /// The calling thread is one of them, until it ends.
    pub(crate) fn enter(self: &Arc<Self>) -> Arc<Worker> {
        STAY.with_borrow_mut(|stay| {
            if let Some(stay) = stay
                && Arc::ptr_eq(&stay.workers, self)
            {
                return Arc::clone(&stay.worker);
            }
            let thread = std::thread::current().name().unwrap_or("a thread").to_owned();
            let worker = Arc::new(Worker { thread, state: Mutex::default() });
            self.lock().push(Arc::clone(&worker));
            *stay = Some(Stay { workers: Arc::clone(self), worker: Arc::clone(&worker) });
            worker
        })
    }

    /// Those that are there.
    pub(crate) fn there(&self) -> Vec<Arc<Worker>> {
        self.lock().clone()
    }

    /// Resolves when none is there.
    pub(crate) async fn none_left(&self) {
        loop {
            let changed = self.none_left.notified();
            if self.lock().is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// Waits until none is there, though no longer than this.
    pub(crate) fn wait(&self, limit: Duration) {
        let there = self.lock();
        let _ = self.one_less.wait_timeout_while(there, limit, |there| !there.is_empty());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Worker>>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut there = self.workers.lock();
        there.retain(|worker| !Arc::ptr_eq(worker, &self.worker));
        let is_last = there.is_empty();
        drop(there);
        self.workers.one_less.notify_all();
        if is_last {
            self.workers.none_left.notify_waiters();
        }
    }
}

impl Worker {
    pub(crate) fn lock(&self) -> MutexGuard<'_, WorkerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins.
    pub(crate) fn begin(self: &Arc<Self>, label: String) -> Open {
        let mut state = self.lock();
        state.arrived += 1;
        let key = state.open.insert(OpenRequest { label, began: Instant::now() });
        drop(state);
        Open { worker: Arc::clone(self), key }
    }
}

impl WorkerState {
    /// The request that has been polled for a while, and for how long.
    pub(crate) fn polled(&self) -> Option<(&str, Duration)> {
        let (key, since) = self.polled?;
        Some((&self.open.get(key)?.label, since.elapsed()))
    }
}

/// A request until the last of its answer. Dropped, it has ended.
#[derive(Debug)]
pub(crate) struct Open {
    worker: Arc<Worker>,
    key: usize,
}

impl Open {
    /// Polls something of the request.
    pub(crate) fn poll<T>(&self, poll: impl FnOnce() -> T) -> T {
        let before = self.worker.lock().polled.replace((self.key, Instant::now()));
        let _after = Polled { worker: &self.worker, before };
        poll()
    }
}

/// A poll that goes on. Dropped, also by a panic, what was polled before is polled again.
struct Polled<'a> {
    worker: &'a Worker,
    before: Option<(usize, Instant)>,
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        self.worker.lock().polled = self.before;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.worker.lock().open.try_remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_there_until_its_thread_ends() {
        let workers = Arc::<Workers>::default();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let entering = Arc::clone(&workers);
        let (entered, there) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("worker".into()).spawn(move || {
            let worker = entering.enter();
            assert!(Arc::ptr_eq(&worker, &entering.enter()), "once, however many Apps it makes");
            entered.send(()).unwrap();
            let _ = gone.recv();
        });
        there.recv().unwrap();
        assert_eq!(
            workers.there().iter().map(|worker| worker.thread.as_str()).collect::<Vec<_>>(),
            ["worker"]
        );
        workers.wait(Duration::ZERO);
        assert_eq!(workers.there().len(), 1);
        drop(go);
        workers.wait(Duration::from_secs(10));
        assert!(workers.there().is_empty());
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn a_panic_ends_the_poll_that_is_noted() {
        let worker = Arc::<Workers>::default().enter();
        let open = worker.begin("GET /".to_owned());
        assert!(worker.lock().polled().is_none());
        open.poll(|| assert_eq!(worker.lock().polled().unwrap().0, "GET /"));
        let panicked =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open.poll(|| panic!("at once"))));
        assert!(panicked.is_err() && worker.lock().polled().is_none());
        drop(open);
        let state = worker.lock();
        assert_eq!((state.open.len(), state.arrived), (0, 1));
    }
}
