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
//! Bound: some 9,000 messages and one for each thread that sends. Where a manager's own services tell, 16 more a service, since all
//! of them start their resources at once. Never held up are the threads that managers
//! live on, which may be the very ones that are to receive.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many may wait before senders are held up.
const FREE: usize = 2_048;
/// How many more of those that services tell, for each of them.
const EACH: usize = 16;
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
pub(crate) fn receives_here() {
    RECEIVES.set(true);
}

/// How many wait.
#[derive(Debug)]
pub(crate) struct Backlog {
    waiting: AtomicUsize,
    /// How many may wait before senders are held up.
    free: usize,
}

impl Backlog {
    pub(crate) const fn new() -> Self {
        Self { waiting: AtomicUsize::new(0), free: FREE }
    }

    /// What so many services tell.
    pub(crate) const fn of_services(count: usize) -> Self {
        Self { waiting: AtomicUsize::new(0), free: FREE.saturating_add(count.saturating_mul(EACH)) }
    }

    /// One more; its sender is held up, if there are too many before it.
    pub(crate) fn enter(&self) {
        if let Some(delay) = self.count() {
            std::thread::sleep(delay);
        }
    }

    /// The same for a sender that sleeps later, when it holds no lock: for how long, if there are too many before it.
    pub(crate) fn count(&self) -> Option<Duration> {
        // A count, which orders nothing.
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        before.checked_sub(self.free).filter(|_| !RECEIVES.get()).map(delay)
    }

    /// One has been taken in.
    pub(crate) fn leave(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// What it costs to send when so many more wait than may.
fn delay(over: usize) -> Duration {
    FIRST * (1 << (over / STEP).min(DOUBLINGS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g16_the_more_wait_the_longer_a_sender_is_held_up() {
        let delays = [0, STEP - 1, STEP, 6 * STEP, usize::MAX].map(delay);
        assert_eq!(delays, [50, 50, 100, 3_200, 3_200].map(Duration::from_micros));
    }

    #[test]
    fn g16_services_that_all_start_at_once_are_not_held_up() {
        let backlog = Backlog::of_services(10_000);
        let begun = std::time::Instant::now();
        (0..10_000 * EACH).for_each(|_| backlog.enter());
        // The first sleep of each would take 8 s.
        assert!(begun.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn g16_a_thread_that_receives_is_never_held_up() {
        let backlog = Backlog { waiting: AtomicUsize::new(usize::MAX / 2), free: FREE };
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
