//! Delivers what a manager sends to many actors at once in few pieces: a thread is woken once for many jobs, not once for
//! each actor on it, and starts on them while the manager goes on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::base::drop_quietly;

/// The most jobs that are held back for one thread.
const PIECE: usize = 64;

thread_local! {
    static OPEN: RefCell<Option<Batch>> = const { RefCell::new(None) };
}

/// By thread, in the order in which it came.
#[derive(Default)]
struct Batch(BTreeMap<u64, (Outbox, Vec<Job>)>);

/// Something that is woken on the thread that it lives on.
pub(super) trait WakeHere: Send + Sync {
    fn wake_here(&self);
}

/// Something to be done on a thread.
pub(super) enum Job {
    Run(Box<dyn FnOnce() + Send>),
    Wake(Arc<dyn WakeHere>),
    Many(Vec<Job>),
    /// The last: the thread ends, and drops that in the end.
    Stop(Option<TaskTrackerToken>),
}

impl Job {
    /// The thread has ended. What was to begin there is the user's, and may panic when it is dropped.
    pub(super) fn discard(self) {
        match self {
            Self::Many(jobs) => jobs.into_iter().for_each(Self::discard),
            job => drop_quietly(job),
        }
    }

    /// Breaks when no others follow, with what is to be dropped in the end.
    pub(super) fn perform(self) -> ControlFlow<Option<TaskTrackerToken>> {
        match self {
            Self::Run(job) => job(),
            Self::Wake(control) => control.wake_here(),
            Self::Many(jobs) => {
                let mut jobs = jobs.into_iter();
                let goes_on = jobs.by_ref().try_for_each(Self::perform);
                jobs.for_each(Self::discard);
                return goes_on;
            }
            Self::Stop(until_over) => return ControlFlow::Break(until_over),
        }
        ControlFlow::Continue(())
    }
}

/// Where jobs for a thread go.
///
/// The queue has no bound of its own: what goes there is one start an actor, and one wake-up each time that its manager tells it
/// something, which waits for the answer before it tells more.
#[derive(Debug, Clone)]
pub(super) struct Outbox {
    /// Tells one thread from another.
    thread: u64,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Outbox {
    /// The way to a thread, and where it leads.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Job>) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (jobs, receiver) = mpsc::unbounded_channel();
        (Self { thread: NEXT.fetch_add(1, Ordering::Relaxed), jobs }, receiver)
    }

    /// Has it done: at once, or with the others of the batch that is open on this thread.
    pub(super) fn send(&self, job: Job) {
        let mut job = Some(job);
        // Only put away while it is borrowed: to deliver may drop what is the user's, which may come here again.
        let due = OPEN.try_with(|open| {
            let mut open = open.borrow_mut();
            let batch = open.as_mut()?;
            let (_, jobs) = batch.0.entry(self.thread).or_insert_with(|| (self.clone(), Vec::new()));
            jobs.extend(job.take());
            (jobs.len() >= PIECE).then(|| std::mem::replace(jobs, Vec::with_capacity(PIECE)))
        });
        if let Some(job) = job {
            self.deliver(job);
        } else if let Ok(Some(due)) = due {
            self.deliver_all(due);
        }
    }

    fn deliver(&self, job: Job) {
        // A waker needs no help to reach its thread.
        if let Job::Wake(control) = job {
            control.wake_here();
        } else if let Err(refused) = self.jobs.send(job) {
            refused.0.discard();
        }
    }

    fn deliver_all(&self, mut jobs: Vec<Job>) {
        if jobs.len() > 1 {
            self.deliver(Job::Many(jobs));
        } else if let Some(only) = jobs.pop() {
            self.deliver(only);
        }
    }
}

/// Whether what is sent on this thread is held back.
#[inline]
pub(super) fn is_batching() -> bool {
    OPEN.try_with(|open| open.borrow().is_some()).unwrap_or(false)
}

/// Delivers what was held back so far, before something slow.
pub(super) fn deliver_first() {
    let mut due = Vec::new();
    OPEN.with_borrow_mut(|open| {
        for (outbox, jobs) in open.iter_mut().flat_map(|batch| batch.0.values_mut()) {
            due.push((outbox.clone(), std::mem::take(jobs)));
        }
    });
    for (outbox, jobs) in due {
        outbox.deliver_all(jobs);
    }
}

/// Holds back what is sent on this thread until `tell` returns, at the latest. An inner batch ends with the outer one.
pub(crate) fn batched<T>(tell: impl FnOnce() -> T) -> T {
    let opened = OPEN.with_borrow_mut(|open| {
        let opens = open.is_none();
        open.get_or_insert_default();
        opens
    });
    // Not `then_some`: one that is made is one that delivers.
    let _delivery = opened.then(|| Delivery);
    tell()
}

/// Delivers the batch, also when it panics.
struct Delivery;

impl Drop for Delivery {
    fn drop(&mut self) {
        let Some(batch) = OPEN.take() else { return };
        for (outbox, jobs) in batch.0.into_values() {
            outbox.deliver_all(jobs);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc;

    use super::*;

    /// A thread that does what it is told, until nobody can tell it anything any more.
    fn thread() -> Outbox {
        let (outbox, mut jobs) = Outbox::new();
        std::thread::spawn(
            move || while jobs.blocking_recv().is_some_and(|job| job.perform().is_continue()) {},
        );
        outbox
    }

    /// Sends a job that says who it is.
    fn send(outbox: &Outbox, said: &mpsc::Sender<u32>, who: u32) {
        let said = said.clone();
        outbox.send(Job::Run(Box::new(move || said.send(who).expect("it is heard"))));
    }

    #[test]
    fn a_batch_is_delivered_at_its_end_in_order() {
        let (outbox, (said, heard)) = (thread(), mpsc::channel());
        batched(|| {
            send(&outbox, &said, 1);
            batched(|| send(&outbox, &said, 2));
            send(&outbox, &said, 3);
            assert!(heard.try_recv().is_err(), "not before its end");
        });
        assert_eq!(heard.iter().take(3).collect::<Vec<_>>(), [1, 2, 3]);
        send(&outbox, &said, 4);
        assert_eq!(heard.recv(), Ok(4));
    }

    #[test]
    fn a_full_piece_is_not_held_back() {
        let (outbox, (said, heard)) = (thread(), mpsc::channel());
        batched(|| {
            let all = PIECE as u32;
            (0..=all).for_each(|who| send(&outbox, &said, who));
            assert_eq!(heard.iter().take(PIECE).collect::<Vec<_>>(), (0..all).collect::<Vec<_>>());
            assert!(heard.try_recv().is_err(), "the last waits for the end");
        });
        assert_eq!(heard.recv(), Ok(PIECE as u32));
    }

    #[test]
    fn a_batch_is_delivered_before_something_slow() {
        let (outbox, (said, heard)) = (thread(), mpsc::channel());
        deliver_first();
        batched(|| {
            (1..=2).for_each(|who| send(&outbox, &said, who));
            deliver_first();
            assert_eq!(heard.iter().take(2).collect::<Vec<_>>(), [1, 2]);
            send(&outbox, &said, 3);
            assert!(heard.try_recv().is_err(), "what comes after that waits for the end");
        });
        assert_eq!(heard.recv(), Ok(3));
    }

    #[test]
    fn a_batch_that_panics_is_delivered() {
        let (outbox, (said, heard)) = (thread(), mpsc::channel());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            batched(|| {
                send(&outbox, &said, 1);
                std::panic::resume_unwind(Box::new("as told"));
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(heard.recv(), Ok(1));
    }

    /// Tells something more when it is dropped, and panics.
    struct Teller(Outbox, mpsc::Sender<u32>);

    impl Drop for Teller {
        fn drop(&mut self) {
            send(&self.0, &self.1, 2);
            panic!("rehearsed: in a drop");
        }
    }

    #[test]
    fn g11_what_a_job_does_when_it_is_dropped_undelivered_harms_nobody() {
        let (outbox, (said, heard)) = (thread(), mpsc::channel());
        let (ended, jobs) = Outbox::new();
        drop(jobs);
        let refused = || {
            let teller = Teller(outbox.clone(), said.clone());
            Job::Run(Box::new(move || drop(teller)))
        };
        batched(|| (0..=PIECE).for_each(|_| ended.send(refused())));
        assert_eq!(heard.iter().take(PIECE + 1).collect::<Vec<_>>(), [2; PIECE + 1]);
        batched(|| {
            ended.send(refused());
            deliver_first();
            ended.send(refused());
        });
        ended.send(refused());
        assert_eq!(heard.iter().take(3).collect::<Vec<_>>(), [2; 3]);
    }
}
