//! Wakes whoever watches threads, when actors on them begin to be polled.
//!
//! A watcher that looked all the time would cost an idle process its sleep. So it looks only while there is something to
//! see: it arms the alarm before it goes to sleep, and the next poll on any thread rings it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rings once, each time that it was armed, when an actor is polled.
pub(crate) struct Alarm {
    armed: AtomicBool,
    ring: Box<dyn Fn() + Send + Sync>,
}

impl Alarm {
    /// An armed one.
    pub(crate) fn new(ring: impl Fn() + Send + Sync + 'static) -> Self {
        Self { armed: AtomicBool::new(true), ring: Box::new(ring) }
    }

    /// One that never rings.
    pub(crate) fn silent() -> Self {
        Self { armed: AtomicBool::new(false), ring: Box::new(|| {}) }
    }

    /// The next poll rings. One that has just begun may go unnoticed: who arms it looks once more, later.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::Release);
    }

    /// Whether nothing has been polled since it was armed.
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Acquire)
    }

    /// An actor is being polled. One load, as long as it isn't armed.
    pub(super) fn polled(&self) {
        if self.armed.load(Ordering::Relaxed) && self.armed.swap(false, Ordering::AcqRel) {
            (self.ring)();
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").field("armed", &self.armed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn g14_an_alarm_rings_once_each_time_that_it_is_armed() {
        let rung = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&rung);
        let alarm = Alarm::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        for times in 1..=3 {
            (0..10).for_each(|_| alarm.polled());
            assert_eq!(rung.load(Ordering::Relaxed), times);
            alarm.arm();
        }
    }
}
