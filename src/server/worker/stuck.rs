//! Reports workers that a handler blocks, while the block lasts.
//!
//! ```text
//!   a worker wakes --> they are looked at four times within the limit --all of them sleep--> no more
//!                          |
//!                          +-- the same poll as a limit ago --> reported --another poll--> its end is reported
//! ```
//!
//! How long a poll lasts is found out by looking twice at what the worker writes: see
//! [`CurrentPoll`](crate::server::worker::current_poll::CurrentPoll). It says whose handler it is, so that the server which that
//! belongs to is told, also after its end. While all workers sleep nobody looks (G14): the first to wake has it begin again,
//! which it asks by a load.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::clock;
use crate::events::Name;
use crate::server::state::WorkerState;
use crate::server::worker::alarm::Alarm;
use crate::server::worker::thread::WorkerThread;

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
pub(crate) type OnStall = Arc<dyn Fn(WorkerStall) + Send + Sync>;

/// What is looked at.
#[derive(Default)]
pub(crate) struct StallWatch {
    pub(crate) alarm: Arc<Alarm>,
    limit: Option<Duration>,
    seen: Mutex<Vec<Seen>>,
    servers: Mutex<Servers>,
}

/// What servers have on workers, by the numbers that polls are noted with, and who is told.
#[derive(Default)]
struct Servers {
    parts: HashMap<usize, (Arc<WorkerState>, OnStall)>,
    next: u32,
}

/// What is known of one worker.
struct Seen {
    thread: Arc<WorkerThread>,
    /// The poll that it was in when it was looked at last, and since when.
    poll: Option<(u64, Instant)>,
    /// The stall that was reported and is not over.
    reported: Option<Reported>,
}

struct Reported {
    method: Name,
    since: Instant,
    part: Arc<WorkerState>,
    on_stall: OnStall,
}

impl StallWatch {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self { limit, ..Self::default() }
    }

    fn servers(&self) -> MutexGuard<'_, Servers> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another worker is looked at, too.
    pub(crate) fn add(&self, thread: Arc<WorkerThread>) {
        self.seen().push(Seen { thread, poll: None, reported: None });
    }

    /// A number for what a server is about to have on a worker.
    pub(crate) fn number(&self) -> usize {
        let mut servers = self.servers();
        servers.next = servers.next.wrapping_add(1);
        servers.next as usize
    }

    /// Polls that are noted with its number are that server's.
    pub(crate) fn enter(&self, part: Arc<WorkerState>, on_stall: OnStall) {
        self.servers().parts.insert(part.number, (part, on_stall));
    }

    /// Nothing of it is polled any more.
    pub(crate) fn remove(&self, number: usize) {
        self.servers().parts.remove(&number);
    }

    /// How many parts it knows.
    #[cfg(test)]
    pub(crate) fn parts(&self) -> usize {
        self.servers().parts.len()
    }

    /// Goes on for ever.
    pub(crate) async fn run(&self) {
        let Some(limit) = self.limit else { return std::future::pending().await };
        loop {
            self.alarm.rung().await;
            loop {
                tokio::time::sleep(limit / 4).await;
                let all_told = self.look(limit, clock::now());
                let sleep = || self.seen().iter().all(|seen| seen.thread.is_parked());
                // The end of each reported stall is reported as well.
                if all_told && self.alarm.stops(sleep) {
                    break;
                }
            }
        }
    }

    /// Returns whether no stall is reported that is not over.
    fn look(&self, limit: Duration, now: Instant) -> bool {
        let mut all = self.seen();
        all.iter_mut().for_each(|seen| self.look_at(seen, limit, now));
        all.retain(|seen| seen.reported.is_some() || !seen.thread.has_left());
        all.iter().all(|seen| seen.reported.is_none())
    }

    fn look_at(&self, seen: &mut Seen, limit: Duration, now: Instant) {
        let thread = &seen.thread.name;
        let stall = |method: &Name, since, over| WorkerStall {
            method: method.clone(),
            thread: thread.clone(),
            lasted: now - since,
            over,
        };
        let current = seen.thread.poll.current();
        let same = seen.poll.filter(|(number, _)| current.is_some_and(|(is, ..)| is == *number));
        if same.is_none()
            && let Some(Reported { method, since, part, on_stall }) = seen.reported.take()
        {
            part.note_stuck(thread, None);
            on_stall(stall(&method, since, true));
        }
        seen.poll = same.or(current.map(|(number, ..)| (number, now)));
        if let (Some((_, since)), Some((_, part, entry)), None) = (same, current, &seen.reported)
            && now - since >= limit
            && let Some((part, on_stall)) = self.servers().parts.get(&part).cloned()
            && let Some(method) = part.open.name_at(entry)
        {
            part.note_stuck(thread, Some((method.clone(), since)));
            on_stall(stall(&method, since, false));
            seen.reported = Some(Reported { method, since, part, on_stall });
        }
    }
}

impl std::fmt::Debug for StallWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StallWatch").field("limit", &self.limit).finish_non_exhaustive()
    }
}
