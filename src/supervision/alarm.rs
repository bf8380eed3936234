//! Tells a future that was woken from those that were not.

use super::sync::{AtomicBool, Ordering};

/// Rung by whoever wakes a future, and asked before it is polled. Whoever rings has the future's task polled afterwards.
#[derive(Debug)]
pub(super) struct Alarm(AtomicBool);

impl Alarm {
    pub(super) fn silent() -> Self {
        Self(AtomicBool::new(false))
    }

    #[inline]
    pub(super) fn ring(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it rings.
    #[inline]
    pub(super) fn rings(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether it has rung since this was last asked. What is missed here is seen in the poll that follows the ring.
    #[inline]
    pub(super) fn take(&self) -> bool {
        self.rings() && self.0.swap(false, Ordering::AcqRel)
    }
}
