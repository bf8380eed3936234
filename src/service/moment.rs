//! A moment that comes once, and that anybody may wait for.

use crate::supervision::sync::{AtomicBool, Notify, Ordering};

/// Has come, or not yet. Of a kind that needs no memory of its own: every actor has some, and most are never waited for.
#[derive(Debug, Default)]
pub(super) struct Moment {
    come: AtomicBool,
    waiters: Notify,
}

impl Moment {
    /// It has come, from now on.
    pub(super) fn come(&self) {
        self.come.store(true, Ordering::SeqCst);
        self.waiters.notify_waiters();
    }

    pub(super) fn has_come(&self) -> bool {
        self.come.load(Ordering::SeqCst)
    }

    /// Resolves once it has come.
    pub(super) async fn passed(&self) {
        // It hears of what comes from here on, polled or not.
        let waiter = self.waiters.notified();
        if !self.has_come() {
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
        let moment = Arc::new(Moment::default());
        assert!(!moment.has_come());
        let waits = Arc::clone(&moment);
        let waiting = actix_rt::spawn(async move { waits.passed().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        moment.come();
        waiting.await.unwrap();
        moment.passed().await;
        assert!(moment.has_come());
    }

    #[test]
    fn a_moment_that_comes_while_its_first_waiter_arrives_is_not_missed() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..1000 {
            let moment = Arc::new(Moment::default());
            let comes = Arc::clone(&moment);
            let coming = std::thread::spawn(move || comes.come());
            runtime.block_on(moment.passed());
            coming.join().unwrap();
        }
    }
}
