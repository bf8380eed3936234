//! Reports workers that a handler blocks, while the block lasts.
//!
//! ```text
//!   a worker wakes --> the acceptor's thread looks four times within the limit --all of them sleep--> it looks no more
//!                          |
//!                          +-- the same poll as a limit ago --> reported --another poll--> its end is reported
//! ```
//!
//! How long a poll lasts is found out by looking twice at what the worker writes: see
//! [`CurrentPoll`](crate::server::worker::current_poll::CurrentPoll). While all workers sleep nobody looks
//! (G14): the first to wake has it begin again, which it asks by a load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::events::Name;
use crate::server::state::WorkerState;

/// Has the workers of a server looked at, while any is awake.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    on: AtomicBool,
    rung: Notify,
}

impl Alarm {
    /// A worker has woken up, which it has written down before.
    pub(crate) fn ring(&self) {
        // Either this sees that the watcher has stopped, or the watcher sees that this worker is awake.
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

/// Is called with each of those.
pub(crate) type OnStall = Box<dyn Fn(WorkerStall) + Send>;

/// What is known of one worker.
#[derive(Debug, Default)]
struct Seen {
    /// The poll that it was in when it was looked at last, and since when.
    poll: Option<(u64, Instant)>,
    /// The stall that was reported and is not over.
    reported: Option<(Name, Instant)>,
}

/// Looks at the workers of a server.
pub(crate) struct Stuck {
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) workers: Vec<(Name, Arc<WorkerState>)>,
    pub(crate) limit: Option<Duration>,
    pub(crate) report: OnStall,
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
                // The end of each reported stall is reported as well.
                if seen.iter().all(|seen| seen.reported.is_none()) && sleep() {
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
                && let Some((method, since)) = seen.reported.take()
            {
                let lasted = now - since;
                worker.note_stuck(None);
                (self.report)(WorkerStall { method, thread: thread.clone(), lasted, over: true });
            }
            seen.poll = same.or(current.map(|(number, ..)| (number, now)));
            let Some((_, home, entry)) = current else { continue };
            if let Some((_, since)) = same
                && seen.reported.is_none()
                && now - since >= limit
                && let Some((_, home)) = self.workers.get(home)
                && let Some(method) = home.open.name_at(entry)
            {
                seen.reported = Some((method.clone(), since));
                worker.note_stuck(Some((method.clone(), since)));
                let lasted = now - since;
                (self.report)(WorkerStall { method, thread: thread.clone(), lasted, over: false });
            }
        }
    }
}
