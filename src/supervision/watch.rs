//! Which actor a thread is polling right now, and since when.
//!
//! Two atomic stores a poll; nothing ticks. It is read when somebody has to be forced, when a status is asked
//! for, and by the watchdog.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

/// A thread that has been polling one actor for so long is blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(100);

/// Names an actor on its thread; unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tag(u64);

impl Tag {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A poll that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) actor: Tag,
    /// By the clock of [`now`].
    pub(crate) began: Duration,
    pub(crate) lasted: Duration,
}

/// The current poll of one thread.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    actor: AtomicU64,
    /// Nanoseconds since the process's base; 0 while nothing is polled.
    since: AtomicU64,
    /// Whether somebody wants to know when the thread comes to rest.
    noted: AtomicBool,
}

fn base() -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    *BASE.get_or_init(Instant::now)
}

/// The time of polls: real also where a test has paused the clock, as to block a thread takes real time.
pub(crate) fn now() -> Duration {
    base().elapsed()
}

impl Watch {
    pub(super) fn enter(&self, actor: Tag) {
        self.actor.store(actor.0, Ordering::Relaxed);
        self.since.store((now().as_nanos() as u64).max(1), Ordering::Release);
    }

    pub(super) fn leave(&self) {
        self.since.store(0, Ordering::Release);
    }

    /// Has the thread tell when it comes to rest. Its poll may be over by now: look again.
    pub(crate) fn note(&self) {
        self.noted.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Whether the thread is to tell that it comes to rest.
    pub(super) fn take_note(&self) -> bool {
        self.noted.swap(false, Ordering::Relaxed)
    }

    /// How long that actor's current poll has lasted, if it is the one being polled.
    pub(crate) fn lasted(&self, actor: Tag) -> Option<Duration> {
        self.busy().filter(|busy| busy.actor == actor).map(|busy| busy.lasted)
    }

    /// Whether nothing else on the thread can be waited for.
    pub(crate) fn is_blocked(&self) -> bool {
        self.busy().is_some_and(|busy| busy.lasted >= BLOCKED_AFTER)
    }

    /// The poll that is going on, if one is.
    pub(crate) fn busy(&self) -> Option<Busy> {
        let since = self.since.load(Ordering::Acquire);
        let actor = Tag(self.actor.load(Ordering::Acquire));
        // Another poll may have begun between the two loads: then nobody blocks.
        if since == 0 || self.since.load(Ordering::Acquire) != since {
            return None;
        }
        let began = Duration::from_nanos(since);
        Some(Busy { actor, began, lasted: now().saturating_sub(began) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g09_a_watch_names_the_actor_being_polled_and_nobody_in_between() {
        let watch = Watch::default();
        let actor = Tag::next();
        assert_eq!(watch.busy(), None);
        watch.enter(actor);
        assert_eq!(watch.busy().unwrap().actor, actor);
        watch.leave();
        assert_eq!(watch.busy(), None);
    }
}
