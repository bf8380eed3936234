//! Which actor a thread is polling right now, and since when.
//!
//! A few atomic stores a poll, all by the thread itself; nothing ticks. It is read when somebody has to be forced, when a status is
//! asked for, and by the watchdog.
//!
//! ```text
//!   the thread    since = 0 --- actor = A --- since = t ..... since = 0 --- actor = B --- since = u
//!   who looks     since: t ---> actor ---> since: still t? then that is whom it polls, since t
//! ```
//!
//! Each store is ordered after the one before it: who sees the next actor cannot see the time of the one before that any more.

use std::time::Duration;

use super::sync::{AtomicBool, AtomicU64, Ordering, fence};
use crate::base::monotonic::{now, stamp};

/// A thread that has been polling one actor for so long is blocked.
const BLOCKED_AFTER: Duration = Duration::from_millis(100);

/// How many polls since its last rest a thread remembers.
const REMEMBERED: usize = 8;

/// Names an actor on its thread; unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tag(u64);

impl Tag {
    pub(crate) fn next() -> Self {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A poll that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy {
    pub(crate) actor: Tag,
    /// By the clock of [`now`]. No other poll of the thread has the same.
    pub(crate) began: Duration,
    pub(crate) lasted: Duration,
}

/// The current poll of one thread.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    actor: AtomicU64,
    /// Its stamp, in nanoseconds; 0 while nothing is polled.
    since: AtomicU64,
    /// The stamp of the latest poll: only the thread's own business.
    latest: AtomicU64,
    /// Whether somebody wants to know when the thread comes to rest.
    counts: AtomicBool,
    /// The latest polls since the thread last rested: only its own business.
    polled: [AtomicU64; REMEMBERED],
    polls: AtomicU64,
}

impl Watch {
    #[inline]
    pub(super) fn enter(&self, actor: Tag) {
        self.enter_at(actor, stamp());
    }

    #[inline]
    pub(super) fn enter_at(&self, actor: Tag, at: u64) {
        let polls = self.polls.load(Ordering::Relaxed);
        self.polled[polls as usize % REMEMBERED].store(actor.0, Ordering::Relaxed);
        self.polls.store(polls + 1, Ordering::Relaxed);
        // No two have the same, so that one poll is told from the next.
        let at = at.max(self.latest.load(Ordering::Relaxed) + 1);
        self.latest.store(at, Ordering::Relaxed);
        // After the end of the poll before.
        self.actor.store(actor.0, Ordering::Release);
        self.since.store(at, Ordering::Release);
    }

    #[inline]
    pub(super) fn leave(&self) {
        self.since.store(0, Ordering::Release);
    }

    /// The thread comes to rest. Only there.
    pub(super) fn rests(&self) {
        self.polls.store(0, Ordering::Relaxed);
    }

    /// Whom the thread has polled since it last rested, the latest first, as far as it remembers. Only there.
    pub(super) fn polled_since_rest(&self) -> Vec<Tag> {
        let polls = self.polls.load(Ordering::Relaxed);
        let mut polled = Vec::new();
        for at in (polls.saturating_sub(REMEMBERED as u64)..polls).rev() {
            let tag = Tag(self.polled[at as usize % REMEMBERED].load(Ordering::Relaxed));
            if !polled.contains(&tag) {
                polled.push(tag);
            }
        }
        polled
    }

    /// Has the thread tell when it comes to rest. Its poll may be over by now: look again.
    pub(crate) fn note(&self) {
        self.counts.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Whether the thread is to tell that it comes to rest. What it polled is over; either this sees that it was noted, or whoever
    /// noted it sees that it is over.
    pub(super) fn take_note(&self) -> bool {
        fence(Ordering::SeqCst);
        self.counts.swap(false, Ordering::Relaxed)
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
        let (actor, began) = self.polling()?;
        Some(Busy { actor, began, lasted: now().saturating_sub(began) })
    }

    pub(super) fn polling(&self) -> Option<(Tag, Duration)> {
        let since = self.since.load(Ordering::Acquire);
        let actor = Tag(self.actor.load(Ordering::Acquire));
        // Another poll may have begun between the two loads: then nobody blocks.
        let goes_on = since != 0 && self.since.load(Ordering::Acquire) == since;
        goes_on.then(|| (actor, Duration::from_nanos(since)))
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

    #[test]
    fn a_watch_remembers_the_latest_polls_until_the_thread_rests() {
        let watch = Watch::default();
        let actors: Vec<Tag> = (0..10).map(|_| Tag::next()).collect();
        watch.enter(actors[0]);
        watch.enter(actors[1]);
        watch.enter(actors[0]);
        assert_eq!(watch.polled_since_rest(), [actors[0], actors[1]]);
        watch.rests();
        assert_eq!(watch.polled_since_rest(), []);
        actors.iter().for_each(|&actor| watch.enter(actor));
        let latest: Vec<Tag> = actors[2..].iter().rev().copied().collect();
        assert_eq!(watch.polled_since_rest(), latest);
    }
}
