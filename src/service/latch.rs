//! A moment that comes once, and that anybody may wait for.

use crate::supervision::sync::{AtomicBool, Notify, Ordering};

/// Has come, or not yet. Of a kind that needs no memory of its own: every actor has some, and most are never waited for.
#[derive(Debug, Default)]
pub(super) struct Latch {
    set: AtomicBool,
    waiters: Notify,
}

impl Latch {
    /// It has come, from now on.
    pub(super) fn set(&self) {
        self.set.store(true, Ordering::SeqCst);
        self.waiters.notify_waiters();
    }

    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    /// Resolves once it has come.
    pub(super) async fn wait(&self) {
        // It hears of what comes from here on, polled or not.
        let waiter = self.waiters.notified();
        if !self.is_set() {
            waiter.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[actix_rt::test]
    async fn who_waits_before_and_who_asks_after_it_are_both_told() {
        let latch = Arc::new(Latch::default());
        assert!(!latch.is_set());
        let waits = Arc::clone(&latch);
        let waiting = actix_rt::spawn(async move { waits.wait().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        latch.set();
        waiting.await.unwrap();
        latch.wait().await;
        assert!(latch.is_set());
    }

    #[test]
    fn a_moment_that_comes_while_its_first_waiter_arrives_is_not_missed() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..1000 {
            let latch = Arc::new(Latch::default());
            let comes = Arc::clone(&latch);
            let coming = std::thread::spawn(move || comes.set());
            runtime.block_on(latch.wait());
            coming.join().unwrap();
        }
    }
}
