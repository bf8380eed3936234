//! How an actor learns that there is something for it.
//!
//! ```text
//!   who tells     puts it in place --- ordered = true --- the task known? then wakes it
//!   the actor     the task is known -- ordered = false, was it true? then takes what is there --- polls
//! ```
//!
//! Before its first poll nobody knows how to have the actor polled; but that poll comes in any case. So either it sees what was
//! ordered before it, or whoever orders sees whom to wake.

use super::sync::{AtomicBool, OnceLock, Ordering};

/// Tells an actor, whose task is woken by a `W`, from any thread.
#[derive(Debug)]
pub(super) struct Wakeups<W> {
    /// Set when there are orders, so that a poll without any costs no lock.
    ordered: AtomicBool,
    /// Whether it was woken and has not been polled since: for those who look at it.
    woken: AtomicBool,
    /// How to have it polled; known from its first poll on. A task keeps its waker.
    task: OnceLock<W>,
}

impl<W> Wakeups<W> {
    pub(super) fn new() -> Self {
        Self { ordered: AtomicBool::new(false), woken: AtomicBool::new(false), task: OnceLock::new() }
    }

    /// Orders are in place. Wake the task next.
    pub(super) fn order(&self) {
        self.ordered.swap(true, Ordering::AcqRel);
    }

    /// The task to be woken now, if there is one.
    pub(super) fn wake(&self) -> Option<&W> {
        self.woken.store(true, Ordering::Relaxed);
        self.task.get()
    }

    /// The task.
    pub(super) fn task(&self) -> Option<&W> {
        self.task.get()
    }

    /// Whether the actor was woken and waits for its thread.
    pub(super) fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Relaxed)
    }

    /// A poll begins: whether orders have come in.
    #[inline]
    pub(super) fn begin(&self, task: impl FnOnce() -> W) -> bool {
        self.woken.store(false, Ordering::Relaxed);
        if self.task.get().is_some() && !self.ordered.load(Ordering::Relaxed) {
            // Whoever orders from now on knows whom to wake.
            return false;
        }
        self.task.get_or_init(task);
        self.ordered.swap(false, Ordering::AcqRel)
    }
}
