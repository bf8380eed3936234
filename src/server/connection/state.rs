//! What is known of one connection: its calls, what its peer has said, and what it has left unread.

use std::any::Any;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::server::connection::arrival::Arrival;
use crate::server::listen::Peer;
use crate::server::state::WorkerState;

/// The length of HTTP/2's client preface. A request of HTTP/1.1 begins with its first byte.
const PREFACE: usize = 24;

const OPEN: u64 = 1;
const AT_WORK: u64 = 1 << 32;

/// What is known of a connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) worker: Arc<WorkerState>,
    /// Whether it was cut for itself alone.
    pub(crate) cut: AtomicBool,
    /// Whether it was cut in the drain and its calls are not yet gone.
    cut_with_calls: AtomicBool,
    /// Known once it is served.
    pub(crate) peer: OnceLock<Peer>,
    preface_missing: AtomicUsize,
    /// Followed where it may speak HTTP/1.1.
    arrival: Option<Arrival>,
    /// Since when bytes wait for the peer to read, in nanoseconds since it began; 0: none do.
    blocked: AtomicU64,
    /// Calls that are open, in units of [`OPEN`], and those of them whose handler is at work, in units of [`AT_WORK`].
    calls: AtomicU64,
    /// Watches of health and streams of reflection that are open.
    watches: AtomicUsize,
    /// Calls that were let in.
    seen: AtomicU64,
    /// Bytes of answers that the peer has taken.
    sent: AtomicU64,
    /// Whether new calls are refused.
    refuses: AtomicBool,
    /// What is open for as long as the bytes are its own, once it speaks HTTP no more.
    upgraded: OnceLock<Mutex<Option<Box<dyn Any + Send + Sync>>>>,
    /// Notified when the peer has spoken, and when there may be nothing carried any more.
    pub(crate) lighter: Notify,
    began: Instant,
    /// When the last call ended, in nanoseconds since it began; 0: none has.
    idle_since: AtomicU64,
    /// Whether nothing is written any more, and its peer is to close it.
    half_closed: AtomicBool,
    /// To be handled, where not every call is at once.
    pub(crate) turns: Option<Arc<Semaphore>>,
}

impl Connection {
    pub(crate) fn new(worker: Arc<WorkerState>) -> Arc<Self> {
        worker.connections.fetch_add(1, Ordering::Relaxed);
        let arrival = worker.options.http1.map(|_| Arrival::default());
        let preface = if arrival.is_some() { 1 } else { PREFACE };
        let turns = worker.options.max_concurrent_calls_per_connection;
        // More than a semaphore has are no limit.
        let turns = turns.map(|calls| Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS))));
        Arc::new(Self {
            worker,
            cut: AtomicBool::new(false),
            cut_with_calls: AtomicBool::new(false),
            peer: OnceLock::new(),
            preface_missing: AtomicUsize::new(preface),
            arrival,
            blocked: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            watches: AtomicUsize::new(0),
            seen: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            refuses: AtomicBool::new(false),
            upgraded: OnceLock::new(),
            lighter: Notify::new(),
            began: Instant::now(),
            idle_since: AtomicU64::new(0),
            half_closed: AtomicBool::new(false),
            turns,
        })
    }

    /// Whether the server ends it at once, with all that it carries.
    pub(crate) fn is_cut(&self) -> bool {
        let worker = &self.worker;
        worker.cutting.is_cancelled() || worker.killed.is_cancelled() || self.cut.load(Ordering::Relaxed)
    }

    /// A call that is let in. Returns how many have arrived on its worker before.
    pub(crate) fn call_began(&self) -> u64 {
        self.seen.fetch_add(1, Ordering::Relaxed);
        if is_idle(self.calls.fetch_add(OPEN + AT_WORK, Ordering::Relaxed)) {
            self.worker.carries_more();
        }
        self.call_arrived()
    }

    /// A call that is refused because the connection is going away. The drain does not wait for it.
    pub(crate) fn call_arrived(&self) -> u64 {
        if let Some(arrival) = &self.arrival {
            arrival.request();
        }
        self.worker.calls.fetch_add(1, Ordering::Relaxed)
    }

    /// The handler of a call that was let in has no more to say.
    pub(crate) fn call_answered(&self) {
        self.calls.fetch_sub(AT_WORK, Ordering::Relaxed);
    }

    /// A call that was let in is over.
    pub(crate) fn call_ended(&self) {
        if is_idle(self.calls.fetch_sub(OPEN, Ordering::AcqRel) - OPEN) {
            self.worker.carries_less();
            if self.cut_with_calls.swap(false, Ordering::Relaxed) {
                self.worker.cut_with_calls.fetch_sub(1, Ordering::Relaxed);
            }
            self.idle_since.store(self.age(), Ordering::Relaxed);
            self.lighter.notify_one();
        }
    }

    /// The peer has taken so many bytes of an answer. Only HTTP/2 tells so, which one thread runs.
    pub(crate) fn sent(&self, count: usize) {
        self.sent.store(self.sent.load(Ordering::Relaxed).wrapping_add(count as u64), Ordering::Relaxed);
    }

    pub(crate) fn bytes_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn calls_seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Whether its peer is told to go away.
    pub(crate) fn is_going_away(&self) -> bool {
        self.worker.going_away.is_cancelled()
    }

    /// New calls are refused from here on.
    pub(crate) fn refuse(&self) {
        self.refuses.store(true, Ordering::Relaxed);
    }

    pub(crate) fn refuses(&self) -> bool {
        self.refuses.load(Ordering::Relaxed)
    }

    /// It is about to speak something else than HTTP; `call` is dropped with its bytes.
    pub(crate) fn upgrade(&self, call: impl Any + Send + Sync) {
        // It is done once.
        let _ = self.upgraded.set(Mutex::new(Some(Box::new(call))));
    }

    pub(crate) fn is_upgraded(&self) -> bool {
        self.upgraded.get().is_some()
    }

    /// Its bytes are gone.
    pub(crate) fn gone(&self) {
        if let Some(upgraded) = self.upgraded.get() {
            let call = upgraded.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(call);
        }
    }

    /// In nanoseconds.
    fn age(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes a place among its watches, if any is free; to be given back by [`end_watch`](Self::end_watch).
    pub(crate) fn begin_watch(&self) -> bool {
        let free =
            self.watches.fetch_add(1, Ordering::Relaxed) < self.worker.options.max_watches_per_connection;
        if !free {
            self.end_watch();
        }
        free
    }

    pub(crate) fn end_watch(&self) {
        self.watches.fetch_sub(1, Ordering::Relaxed);
    }

    /// The drain does not wait for what it carries any longer.
    pub(crate) fn count_cut(&self) {
        self.worker.cut.fetch_add(1, Ordering::Relaxed);
        if self.has_calls() {
            self.cut_with_calls.store(true, Ordering::Relaxed);
            self.worker.cut_with_calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What arrives, where that may be HTTP/1.1.
    pub(crate) fn http1(&self) -> Option<&Arrival> {
        self.arrival.as_ref().filter(|arrival| !arrival.speaks_http2())
    }

    /// Whether its peer has said that it speaks HTTP/2.
    pub(crate) fn speaks_http2(&self) -> bool {
        !self.is_silent() && self.http1().is_none()
    }

    /// Whether the head of a request is on its way.
    pub(crate) fn has_half_head(&self) -> bool {
        self.http1().is_some_and(Arrival::is_half_head)
    }

    pub(crate) fn read(&self, bytes: &[u8]) {
        if let Some(arrival) = self.http1() {
            arrival.read(bytes, !self.has_calls());
        }
        if self.worker.options.busy_polling {
            self.worker.thread.idle.read(bytes.len());
        }
        let (count, missing) = (bytes.len(), self.preface_missing.load(Ordering::Relaxed));
        if missing > 0 {
            self.preface_missing.store(missing.saturating_sub(count), Ordering::Relaxed);
            if missing <= count {
                self.lighter.notify_one();
            }
        }
    }

    pub(crate) fn wrote(&self, blocked: bool) {
        if self.is_blocked() != blocked {
            self.blocked.store(if blocked { self.age().max(1) } else { 0 }, Ordering::Release);
            if !blocked {
                self.lighter.notify_one();
            }
        }
    }

    fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Acquire) != 0
    }

    /// Since when bytes have waited for the peer to read, none of them read.
    pub(crate) fn blocked_since(&self) -> Option<Instant> {
        let since = self.blocked.load(Ordering::Acquire);
        (since != 0).then(|| self.began + Duration::from_nanos(since))
    }

    /// Where its peer is, where it has an address.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.peer.get().and_then(|peer| peer.address)
    }

    /// Whether the peer has not yet said that it speaks HTTP/2.
    pub(crate) fn is_silent(&self) -> bool {
        self.preface_missing.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn carries(&self) -> bool {
        self.has_calls() || self.is_blocked()
    }

    pub(crate) fn has_calls(&self) -> bool {
        !is_idle(self.calls.load(Ordering::Acquire))
    }

    /// Whether there is something that its peer alone holds up: no handler is at work, and yet it carries something.
    pub(crate) fn waits_for_its_peer(&self) -> bool {
        self.calls.load(Ordering::Acquire) < AT_WORK && self.carries()
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// When its last call ended, or it began.
    pub(crate) fn idle_since(&self) -> Instant {
        self.began + Duration::from_nanos(self.idle_since.load(Ordering::Relaxed))
    }

    /// Nothing is written any more.
    pub(crate) fn half_closed(&self) {
        self.half_closed.store(true, Ordering::Relaxed);
    }

    /// How much of the time that its last answer may need to arrive is left.
    fn in_transit(&self) -> Duration {
        let Some(ended) = NonZero::new(self.idle_since.load(Ordering::Relaxed)) else {
            return Duration::ZERO;
        };
        let age = self.age().saturating_sub(ended.get());
        self.worker.patience().in_transit.saturating_sub(Duration::from_nanos(age))
    }

    /// Resolves when nothing was carried, and no call came, for as long as that, and the last answer has had the time to
    /// arrive; never, once it is half closed.
    pub(crate) async fn out_of_use(&self, grace: Duration) {
        loop {
            while self.carries() {
                self.lighter.notified().await;
            }
            let seen = self.seen.load(Ordering::Relaxed);
            tokio::time::sleep(grace.max(self.in_transit())).await;
            if self.half_closed.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            if !self.carries() && seen == self.seen.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// Whether no call is open.
fn is_idle(calls: u64) -> bool {
    calls.is_multiple_of(AT_WORK)
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.worker.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
