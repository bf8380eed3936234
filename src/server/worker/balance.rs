//! On which worker a call is handled.
//!
//! ```text
//!   light call ----------------------------------> the worker that has its connection
//!   heavy call --this one is behind, others are free--> of those, the worker that has least to do
//!              --else--------------------------------> the worker that has its connection
//! ```
//!
//! Handing a call over costs two wake-ups of another thread, several microseconds. So it is done only for methods
//! that are known to keep a thread busy for longer, and only when the call would have to wait here. What a method
//! costs is measured as it is called: every time while it is heavy, else now and then. A worker is free that sleeps,
//! or has no calls but those that others handed over: one with calls of its own has more of them coming. What waits
//! on a worker is the sum of what its heavy calls are expected to cost, until each has been polled for the first time.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// From here on a poll is heavy, in nanoseconds.
const HEAVY: u32 = 8_000;

/// How much further behind than another a worker must be to hand a call over, in nanoseconds.
const MARGIN: u64 = 4_000;

/// One of so many calls of a light method is measured.
const SAMPLE: u64 = 16;

/// How long the longest poll of a call of a method takes.
#[derive(Debug, Default)]
pub(crate) struct Cost(AtomicU32);

impl Cost {
    /// Whether the call of this number is to be measured.
    pub(crate) fn is_measured(&self, number: u64) -> bool {
        let known = self.0.load(Ordering::Relaxed);
        known == 0 || known >= HEAVY || number.is_multiple_of(SAMPLE)
    }

    /// Takes note of a call whose longest poll took that. A thread that was interrupted looks busy, so what is unusual counts for little.
    pub(crate) fn measured(&self, took: Duration) {
        let took = i64::try_from(took.as_nanos()).unwrap_or(i64::MAX);
        let old = i64::from(self.0.load(Ordering::Relaxed));
        let new = if old == 0 { took } else { old + (took.min(old * 4 + i64::from(HEAVY)) - old) / 8 };
        // Of two at once either may count.
        self.0.store(u32::try_from(new.max(1)).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// What it is expected to cost, in nanoseconds, where that is worth a thought.
    pub(crate) fn heavy(&self) -> Option<u64> {
        let cost = self.0.load(Ordering::Relaxed);
        (cost >= HEAVY).then_some(cost.into())
    }
}

/// What waits on a worker, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Backlog(AtomicU64);

impl Backlog {
    pub(crate) fn add(&self, cost: u64) {
        self.0.fetch_add(cost, Ordering::Relaxed);
    }

    pub(crate) fn remove(&self, cost: u64) {
        self.0.fetch_sub(cost, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The worker that handles a heavy call which came in at `home`; `None`: that one itself.
pub(crate) fn elsewhere(home: u64, others: impl IntoIterator<Item = u64>) -> Option<usize> {
    let least = others.into_iter().enumerate().min_by_key(|(_, backlog)| *backlog);
    least.filter(|(_, backlog)| home > backlog + MARGIN).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_handed_over_only_from_one_who_is_behind_to_the_least_busy() {
        assert_eq!(elsewhere(0, [0, 0]), None);
        assert_eq!(elsewhere(50_000, [0, 0]), Some(0));
        assert_eq!(elsewhere(50_000, [20_000, 10_000]), Some(1));
        assert_eq!(elsewhere(50_000, [50_000, 49_000]), None);
        assert_eq!(elsewhere(50_000, []), None);
    }

    #[test]
    fn a_method_is_heavy_by_its_usual_poll_and_not_by_one_that_was_interrupted() {
        let light = Cost::default();
        light.measured(Duration::from_micros(1));
        light.measured(Duration::from_millis(10));
        assert_eq!(light.heavy(), None);
        assert!(light.is_measured(32) && !light.is_measured(33));

        let heavy = Cost::default();
        heavy.measured(Duration::from_micros(50));
        assert_eq!(heavy.heavy(), Some(50_000));
        assert!(heavy.is_measured(33));
        (0..40).for_each(|_| heavy.measured(Duration::from_micros(1)));
        assert_eq!(heavy.heavy(), None);
    }
}
