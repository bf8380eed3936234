//! The way back from the stores' thread to that of leases, which wakes it no more often than it has to be.
//!
//! ```text
//!   answers of a turn   ---->  told, one wake-up for all, after the last of them
//!   "it is renewed"     ---->  left, no wake-up: it is heard with whatever comes next, before that is done
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::{Notify, mpsc};

/// The end of the stores.
pub(super) struct Teller<T> {
    told: mpsc::UnboundedSender<T>,
    wake: Arc<Notify>,
    /// A task that wakes the other end stands behind those that run now. Only tasks of one thread touch it.
    is_waking: AtomicBool,
}

/// The end of leases. Bound: of each lease an answer, a hint, and whether its store can be used, since one of each is open at a time, and such of
/// earlier ones as were on their way when those were given up.
pub(super) struct Answers<T> {
    told: mpsc::UnboundedReceiver<T>,
    wake: Arc<Notify>,
}

pub(super) fn answers<T>() -> (Arc<Teller<T>>, Answers<T>) {
    let (tell, told) = mpsc::unbounded_channel();
    let wake = Arc::new(Notify::new());
    let teller = Teller { told: tell, wake: Arc::clone(&wake), is_waking: AtomicBool::new(false) };
    (Arc::new(teller), Answers { told, wake })
}

impl<T: Send + 'static> Teller<T> {
    /// Tells it, in a task of the stores' thread: when all have had their turn that were ready to run there.
    pub(super) fn tell(self: &Arc<Self>, what: T) {
        self.leave(what);
        if !self.is_waking.swap(true, Relaxed) {
            let teller = Arc::clone(self);
            tokio::spawn(async move {
                teller.is_waking.store(false, Relaxed);
                teller.wake.notify_one();
            });
        }
    }

    /// Leaves it there for when the other end wakes up.
    pub(super) fn leave(&self, what: T) {
        // The other end has gone where nobody wants to know.
        let _ = self.told.send(what);
    }
}

impl<T> Answers<T> {
    /// Resolves when something was told.
    pub(super) async fn told(&self) {
        self.wake.notified().await;
    }

    /// What was told or left until now; nothing that comes meanwhile.
    pub(super) fn take(&mut self) -> Vec<T> {
        (0..self.told.len()).map_while(|_| self.told.try_recv().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// Whether the other end is woken up now.
    fn is_woken(answers: &Answers<u32>) -> bool {
        answers.told().now_or_never().is_some()
    }

    #[tokio::test]
    async fn g25_all_that_is_told_in_a_turn_wakes_the_thread_of_leases_once_after_the_last() {
        let (teller, mut answers) = answers();
        let tasks: Vec<_> = (0..1000)
            .map(|number| {
                let teller = Arc::clone(&teller);
                tokio::spawn(async move { teller.tell(number) })
            })
            .collect();
        answers.told().await;
        assert_eq!(answers.take(), (0..1000).collect::<Vec<_>>());
        for task in tasks {
            task.await.expect("it has told");
        }
        tokio::task::yield_now().await;
        assert!(!is_woken(&answers), "once");
        // What comes later wakes it again.
        teller.tell(1000);
        answers.told().await;
        assert_eq!(answers.take(), [1000]);
    }

    #[tokio::test]
    async fn g25_what_is_left_wakes_nobody_and_is_heard_with_the_next() {
        let (teller, mut answers) = answers();
        teller.leave(1);
        tokio::task::yield_now().await;
        assert!(!is_woken(&answers));
        teller.tell(2);
        answers.told().await;
        assert_eq!(answers.take(), [1, 2]);
        teller.leave(3);
        assert_eq!((is_woken(&answers), answers.take()), (false, vec![3]));
    }
}
