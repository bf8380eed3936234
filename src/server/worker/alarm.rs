//! Has workers looked at while any of them is awake, and nobody woken while all of them sleep (G14).

use std::sync::atomic::{AtomicBool, Ordering, fence};

use tokio::sync::Notify;

/// Has the workers of a manager looked at, while any is awake.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    on: AtomicBool,
    rung: Notify,
}

impl Alarm {
    /// A worker has woken up, which it has written down before.
    pub(crate) fn ring(&self) {
        // Either this sees that the watcher has stopped, or the watcher sees that this worker is awake.
        fence(Ordering::SeqCst);
        if !self.on.load(Ordering::Relaxed) && !self.on.swap(true, Ordering::Relaxed) {
            self.rung.notify_one();
        }
    }

    /// Resolves when a worker wakes.
    pub(crate) async fn rung(&self) {
        self.rung.notified().await;
    }

    /// Whether nobody is to be looked at any more, since all sleep.
    pub(crate) fn stops(&self, all_sleep: impl Fn() -> bool) -> bool {
        if !all_sleep() {
            return false;
        }
        self.on.store(false, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        all_sleep() || self.on.swap(true, Ordering::Relaxed)
    }
}
