//! Holding up whoever tells a manager faster than it listens.
//!
//! ```text
//!   waiting messages   0 ........ 2,048 ........ 3,072 ........ 4,096 ........ 9,216 and more
//!   each one more      at once    50 us          100 us         200 us         3.2 ms
//! ```
//!
//! actix's `do_send` knows no bound: four threads that send in a loop are faster than one that receives, and what is
//! sent after that, the order to end above all, would stand behind millions. So a sender that finds thousands before it
//! sleeps for a moment, which grows with their number. It never waits for anybody: nothing can lock up.
//!
//! Bound: some 9,000 messages and one for each thread that sends. Never held up are the threads that managers
//! live on, which may be the very ones that are to receive.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many may wait before senders are held up.
const FREE: usize = 2_048;
/// How many more double the time that each next one costs.
const STEP: usize = 1_024;
/// What the first beyond the free ones costs.
const FIRST: Duration = Duration::from_micros(50);
/// How often that is doubled at most.
const DOUBLINGS: usize = 6;

thread_local! {
    static RECEIVES: Cell<bool> = const { Cell::new(false) };
}

/// From now on a manager lives on this thread.
pub(super) fn receives_here() {
    RECEIVES.set(true);
}

/// How many wait.
#[derive(Debug, Default)]
pub(super) struct Backlog(AtomicUsize);

impl Backlog {
    pub(super) const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// One more; its sender is held up, if there are too many before it.
    pub(super) fn enter(&self) {
        // A count, which orders nothing.
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        if before >= FREE && !RECEIVES.get() {
            std::thread::sleep(delay(before));
        }
    }

    /// One has been taken in.
    pub(super) fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What it costs to send when so many wait.
fn delay(before: usize) -> Duration {
    match before.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(over) => FIRST * (1 << (over / STEP).min(DOUBLINGS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g16_the_more_wait_the_longer_a_sender_is_held_up() {
        let delays = [0, FREE - 1, FREE, FREE + STEP, FREE + 6 * STEP, usize::MAX].map(delay);
        let us = Duration::from_micros;
        assert_eq!(delays, [us(0), us(0), us(50), us(100), us(3_200), us(3_200)]);
    }

    #[test]
    fn g16_a_thread_that_receives_is_never_held_up() {
        let backlog = Backlog(AtomicUsize::new(usize::MAX / 2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                receives_here();
                (0..1_000_000).for_each(|_| backlog.enter());
            });
        });
        assert_eq!(backlog.len(), usize::MAX / 2 + 1_000_000);
        backlog.leave();
    }
}
