//! Workers that a handler blocks, told of while it lasts.
//!
//! ```text
//!   a worker wakes --> the acceptor's thread looks four times within the limit --all of them sleep--> it looks no more
//!                          |
//!                          +-- the same poll as a limit ago --> told --another poll--> told to be over
//! ```
//!
//! A worker writes two numbers as it enters a handler, and one as it leaves: no clock, no call of the system, nothing
//! that another thread writes. How long a poll lasts is found out by looking twice. While all workers sleep nobody looks
//! (G14): the first to wake has it begin again, which it asks by a load.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::events::Name;
use crate::server::worker::thread::Shared;

/// The handler that a worker's thread is in. Written by that thread alone.
#[derive(Debug, Default)]
pub(crate) struct Poll {
    /// Odd while it is in one; another for each.
    number: AtomicU64,
    /// Which call it is: its worker, and where it stands among the open calls there.
    call: AtomicU64,
}

/// By the worker's number above, by the place among its open calls below.
const WORKER: u32 = 32;

thread_local! {
    /// That of this thread, if it is a worker's.
    static POLL: OnceCell<Arc<Poll>> = const { OnceCell::new() };
}

impl Poll {
    /// The current thread is the worker's.
    pub(crate) fn adopt(self: &Arc<Self>) {
        // A thread works for one server in its life.
        let _ = POLL.with(|poll| poll.set(Arc::clone(self)));
    }

    fn advance(&self) {
        self.number.store(self.number.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// The current poll, if there is one: its number, and its call's worker and place.
    fn current(&self) -> Option<(u64, usize, usize)> {
        let number = self.number.load(Ordering::Acquire);
        let call = self.call.load(Ordering::Acquire);
        // Another may have begun in between.
        let is_one = number % 2 == 1 && self.number.load(Ordering::Acquire) == number;
        is_one.then_some((number, (call >> WORKER) as usize, (call & ((1 << WORKER) - 1)) as usize))
    }
}

/// The current thread enters the handler of a call of that worker's, until this is dropped.
pub(crate) struct InHandler;

impl InHandler {
    pub(crate) fn enter(worker: usize, entry: usize) -> Self {
        POLL.with(|poll| {
            if let Some(poll) = poll.get() {
                poll.call.store((worker as u64) << WORKER | entry as u64, Ordering::Release);
                poll.advance();
            }
        });
        Self
    }
}

impl Drop for InHandler {
    fn drop(&mut self) {
        POLL.with(|poll| {
            if let Some(poll) = poll.get() {
                poll.advance();
            }
        });
    }
}

/// Has the workers of a server looked at, while any is awake.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    on: AtomicBool,
    rung: Notify,
}

impl Alarm {
    /// A worker has woken up, which it has written down before.
    pub(crate) fn ring(&self) {
        // Either this sees that nobody looks any more, or whoever stops looking sees that it is awake.
        fence(Ordering::SeqCst);
        if !self.on.load(Ordering::Relaxed) && !self.on.swap(true, Ordering::Relaxed) {
            self.rung.notify_one();
        }
    }

    fn stop(&self) {
        self.on.store(false, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }
}

/// A handler has been polled for too long, or is not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkerStall {
    /// What was called: `/package.Service/Method`.
    pub(crate) method: Name,
    pub(crate) thread: Name,
    pub(crate) lasted: Duration,
    pub(crate) over: bool,
}

/// Told of those.
pub(crate) type OnStall = Box<dyn Fn(WorkerStall) + Send>;

/// What is known of one worker.
#[derive(Debug, Default)]
struct Seen {
    /// The poll that it was in when it was looked at last, and since when.
    poll: Option<(u64, Instant)>,
    /// What was told of it, and is not over.
    told: Option<(Name, Instant)>,
}

/// Looks at the workers of a server.
pub(crate) struct Stuck {
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) workers: Vec<(Name, Arc<Shared>)>,
    pub(crate) limit: Option<Duration>,
    pub(crate) tell: OnStall,
}

impl Stuck {
    /// Goes on for ever.
    pub(crate) async fn watch(self) {
        let Some(limit) = self.limit else { return std::future::pending().await };
        let mut seen: Vec<Seen> = self.workers.iter().map(|_| Seen::default()).collect();
        loop {
            self.alarm.rung.notified().await;
            loop {
                tokio::time::sleep(limit / 4).await;
                self.look(&mut seen, limit, Instant::now());
                let sleep = || self.workers.iter().all(|(_, worker)| worker.is_parked());
                // What was told must be told to be over.
                if seen.iter().all(|seen| seen.told.is_none()) && sleep() {
                    self.alarm.stop();
                    if sleep() || self.alarm.on.swap(true, Ordering::Relaxed) {
                        break;
                    }
                }
            }
        }
    }

    fn look(&self, seen: &mut [Seen], limit: Duration, now: Instant) {
        for ((thread, worker), seen) in self.workers.iter().zip(seen) {
            let current = worker.poll.current();
            let same = seen.poll.filter(|(number, _)| current.is_some_and(|(is, ..)| is == *number));
            if same.is_none()
                && let Some((method, since)) = seen.told.take()
            {
                let lasted = now - since;
                worker.note_stuck(None);
                (self.tell)(WorkerStall { method, thread: thread.clone(), lasted, over: true });
            }
            seen.poll = same.or(current.map(|(number, ..)| (number, now)));
            let Some((_, home, entry)) = current else { continue };
            if let Some((_, since)) = same
                && seen.told.is_none()
                && now - since >= limit
                && let Some((_, home)) = self.workers.get(home)
                && let Some(method) = home.open.path_at(entry)
            {
                seen.told = Some((method.clone(), since));
                worker.note_stuck(Some((method.clone(), since)));
                let lasted = now - since;
                (self.tell)(WorkerStall { method, thread: thread.clone(), lasted, over: false });
            }
        }
    }
}
