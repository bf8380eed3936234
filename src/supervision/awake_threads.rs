//! How many threads are awake, so that one timer serves all of them.
//!
//! ```text
//!   a thread wakes up    awake + 1, was it the first? --> starts the timer
//!   a thread rests       awake - 1, was it the last?  --> stops the timer --- awake by now? --> starts it --- none again? --> stops it ...
//! ```
//!
//! To count and to switch are two steps: a thread that wakes up in between may start the timer before it is stopped by the one that
//! went to rest. So who stopped it looks again, until what it did last fits what it saw after that.

use super::sync::{AtomicU64, Ordering};

/// Something that runs while a thread is awake. What is done to it by one thread is seen by the next.
pub(super) trait Switch {
    fn start(&self);
    fn stop(&self);
}

/// The threads that are awake.
#[derive(Debug)]
pub(super) struct AwakeThreads(AtomicU64);

impl AwakeThreads {
    pub(super) fn none() -> Self {
        Self(AtomicU64::new(0))
    }

    /// A thread that rested wakes up.
    #[inline]
    pub(super) fn wakes(&self, timer: &impl Switch) {
        if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            timer.start();
        }
    }

    /// A thread that was awake comes to rest.
    #[inline]
    pub(super) fn rests(&self, timer: &impl Switch) {
        if self.0.fetch_sub(1, Ordering::SeqCst) > 1 {
            return;
        }
        loop {
            timer.stop();
            if !self.any() {
                return;
            }
            timer.start();
            if self.any() {
                return;
            }
        }
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}
