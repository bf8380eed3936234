//! What a server, its connections on one worker, and their calls know of each other: limits, counters, and the tokens of the drain.
//!
//! Each server has one of these for each worker that it uses. It imports nothing that works on it. Everything in it is written by
//! the worker's own thread, but for the ends of calls that it handed over to others: so counting a call costs no other core
//! anything.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::base::clock;
use crate::events::{InFlight, Name};
use crate::server::connection::unread_list::UnreadList;
use crate::server::drain::{Patience, Timetable};
use crate::server::open_calls::OpenCalls;
use crate::server::options::EngineOptions;
use crate::server::worker::thread::WorkerThread;

/// What a server, its connections on one worker, and their calls know of each other.
#[derive(Debug, Default)]
pub(crate) struct WorkerState {
    pub(crate) options: EngineOptions,
    /// Calls that are open on the whole server. Counted only where they are limited.
    pub(crate) places_taken: Arc<AtomicUsize>,
    /// The worker.
    pub(crate) thread: Arc<WorkerThread>,
    /// What is to end before the server's part of the worker does: connections, calls, those too that others handed over to it, and
    /// what waits to be taken.
    pub(crate) tasks: TaskTracker,
    /// What polls of the server's handlers are noted with.
    pub(crate) number: usize,
    /// The handlers that block workers, as far as that is known, by the worker, and since when.
    stuck: Mutex<Vec<(Name, Name, Instant)>>,
    pub(crate) connections: AtomicUsize,
    /// Connections with open calls.
    pub(crate) carrying: AtomicUsize,
    /// All calls that ever came, and those of them that were one too many.
    pub(crate) calls: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) open: OpenCalls,
    /// Connections are told to go away: the server gives way, or drains.
    pub(crate) going_away: CancellationToken,
    /// Connections are to come to their end.
    pub(crate) draining: CancellationToken,
    /// Known once they are.
    patience: OnceLock<Patience>,
    /// Connections whose peer reads nothing.
    pub(crate) unreading: UnreadList,
    /// What may go on for ever is to end in order from here on.
    pub(crate) streams_off: CancellationToken,
    /// The same, cheap to ask.
    pub(crate) streams_are_off: AtomicBool,
    /// How many ended so.
    pub(crate) streams_ended: AtomicUsize,
    /// Calls are called off from here on: the application answers them at once.
    pub(crate) called_off: CancellationToken,
    /// The same, cheap to ask.
    pub(crate) off: AtomicBool,
    /// Connections are to be cut.
    pub(crate) cutting: CancellationToken,
    /// The whole server is ended at once.
    pub(crate) killed: CancellationToken,
    /// What [`Undrained`](crate::server::drain::Undrained) tells.
    pub(crate) held_on: AtomicUsize,
    pub(crate) cut: AtomicUsize,
    /// Cut connections whose calls are not gone yet: these still count as carrying.
    pub(crate) cut_with_calls: AtomicUsize,
    /// Calls that were called off.
    called_off_calls: Mutex<InFlight>,
    /// Calls that were open when connections were cut.
    left: OnceLock<InFlight>,
}

impl WorkerState {
    /// What the workers of one server share is the places.
    pub(crate) fn new(options: EngineOptions, places_taken: Arc<AtomicUsize>) -> Self {
        Self { options, places_taken, ..Self::default() }
    }

    /// The state of what a server has on that worker, which ends when `killed` is cancelled.
    pub(crate) fn of_worker(
        self,
        number: usize,
        thread: Arc<WorkerThread>,
        killed: CancellationToken,
    ) -> Self {
        Self { number, thread, killed, ..self }
    }

    /// One connection more has open calls.
    pub(crate) fn carries_more(&self) {
        self.carrying.fetch_add(1, Ordering::Relaxed);
        self.thread.carrying.fetch_add(1, Ordering::Relaxed);
    }

    /// One connection less.
    pub(crate) fn carries_less(&self) {
        self.carrying.fetch_sub(1, Ordering::Relaxed);
        self.thread.carrying.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether nothing is left, nor comes any more.
    pub(crate) fn is_over(&self) -> bool {
        self.tasks.is_closed() && self.tasks.is_empty()
    }

    /// Connections are told to go away, and take the time that they need.
    pub(crate) fn give_way(&self) {
        self.going_away.cancel();
    }

    /// Connections are to come to their end, by that time where there is one.
    pub(crate) fn drain(&self, times: Option<Timetable>) {
        let whole = times.map(|times| times.whole);
        // It is done once.
        let _ = self.patience.set(Patience::new(whole, self.options.write_timeout));
        self.going_away.cancel();
        self.draining.cancel();
    }

    /// With peers that do not go along with the drain.
    pub(crate) fn patience(&self) -> Patience {
        self.patience.get().copied().unwrap_or_else(|| Patience::new(None, self.options.write_timeout))
    }

    /// What blocks a worker, or that nothing does any more.
    pub(crate) fn note_stuck(&self, thread: &Name, stuck: Option<(Name, Instant)>) {
        let mut all = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(of, ..)| of != thread);
        all.extend(stuck.map(|(method, since)| (thread.clone(), method, since)));
    }

    /// The methods whose handlers block a worker, and for how long they have.
    pub(crate) fn stuck(&self) -> Vec<(Name, Duration)> {
        let all = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        all.iter().map(|(_, method, since)| (method.clone(), now.saturating_duration_since(*since))).collect()
    }

    pub(crate) fn end_streams(&self) {
        self.streams_are_off.store(true, Ordering::Relaxed);
        self.streams_off.cancel();
    }

    pub(crate) fn call_off(&self) {
        self.held_on.store(self.carrying.load(Ordering::Relaxed), Ordering::Relaxed);
        self.off.store(true, Ordering::Relaxed);
        self.called_off.cancel();
        // What was upgraded hears of nothing else.
        self.streams_off.cancel();
    }

    pub(crate) fn count_called_off(&self, method: &str, age: Duration) {
        self.lock_called_off().add(method, age);
    }

    /// The calls that were called off.
    pub(crate) fn called_off_calls(&self) -> InFlight {
        self.lock_called_off().clone()
    }

    /// The calls that were not even ended so: those that were cut, or that are open still.
    pub(crate) fn left(&self) -> InFlight {
        self.left.get().cloned().unwrap_or_else(|| self.left_now())
    }

    fn left_now(&self) -> InFlight {
        let mut left = InFlight::default();
        self.open.for_each(|call| {
            if !call.called_off {
                left.add(call.name(), call.began.elapsed());
            }
        });
        left
    }

    pub(crate) fn cut_all(&self) {
        // It is done once.
        let _ = self.left.set(self.left_now());
        self.cutting.cancel();
    }

    fn lock_called_off(&self) -> MutexGuard<'_, InFlight> {
        self.called_off_calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
