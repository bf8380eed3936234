//! What a manager tells many actors at once is delivered in few pieces: each thread is woken for much that is new to it,
//! not for each actor on it, and begins with it while the manager goes on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::control::Control;
use super::panics::drop_quietly;

/// How much is kept back for a thread, at most.
const PIECE: usize = 64;

thread_local! {
    static OPEN: RefCell<Option<Batch>> = const { RefCell::new(None) };
}

/// By thread, in the order in which it came.
#[derive(Default)]
struct Batch(BTreeMap<u64, (Post, Vec<Job>)>);

/// Something to be done on a thread.
pub(super) enum Job {
    Run(Box<dyn FnOnce() + Send>),
    Rouse(Arc<Control>),
    Many(Vec<Job>),
    /// The last: the thread ends.
    Stop,
}

impl Job {
    /// The thread has ended. What was to begin there is the user's, and may panic when it is dropped.
    pub(super) fn discard(self) {
        match self {
            Self::Many(jobs) => jobs.into_iter().for_each(Self::discard),
            job => drop_quietly(job),
        }
    }

    /// Whether others follow.
    pub(super) fn perform(self) -> bool {
        match self {
            Self::Run(job) => job(),
            Self::Rouse(control) => control.rouse_here(),
            Self::Many(jobs) => {
                let mut jobs = jobs.into_iter();
                let goes_on = jobs.by_ref().all(Self::perform);
                jobs.for_each(Self::discard);
                return goes_on;
            }
            Self::Stop => return false,
        }
        true
    }
}

/// Where jobs for a thread go.
///
/// The queue has no bound of its own: what goes there is one start an actor, and one wake-up each time that its manager tells it
/// something, which waits for the answer before it tells more.
#[derive(Debug, Clone)]
pub(super) struct Post {
    /// Tells one thread from another.
    thread: u64,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Post {
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
        if let Job::Rouse(control) = job {
            control.rouse_here();
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

/// Delivers what has been told so far, before something that takes its time.
pub(super) fn deliver_first() {
    let mut due = Vec::new();
    OPEN.with_borrow_mut(|open| {
        for (post, jobs) in open.iter_mut().flat_map(|batch| batch.0.values_mut()) {
            due.push((post.clone(), std::mem::take(jobs)));
        }
    });
    for (post, jobs) in due {
        post.deliver_all(jobs);
    }
}

/// Delivers at its end, at the latest, what is told meanwhile on this thread. Within another one, that one's end is its end.
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

/// However the batch ends, it is delivered.
struct Delivery;

impl Drop for Delivery {
    fn drop(&mut self) {
        let Some(batch) = OPEN.take() else { return };
        for (post, jobs) in batch.0.into_values() {
            post.deliver_all(jobs);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc;

    use super::*;

    /// A thread that does what it is told, until nobody can tell it anything any more.
    fn thread() -> Post {
        let (post, mut jobs) = Post::new();
        std::thread::spawn(move || while jobs.blocking_recv().is_some_and(Job::perform) {});
        post
    }

    /// Sends a job that says who it is.
    fn send(post: &Post, said: &mpsc::Sender<u32>, who: u32) {
        let said = said.clone();
        post.send(Job::Run(Box::new(move || said.send(who).expect("it is heard"))));
    }

    #[test]
    fn what_is_told_in_a_batch_is_delivered_at_its_end_in_order() {
        let (post, (said, heard)) = (thread(), mpsc::channel());
        batched(|| {
            send(&post, &said, 1);
            batched(|| send(&post, &said, 2));
            send(&post, &said, 3);
            assert!(heard.try_recv().is_err(), "not before its end");
        });
        assert_eq!(heard.iter().take(3).collect::<Vec<_>>(), [1, 2, 3]);
        send(&post, &said, 4);
        assert_eq!(heard.recv(), Ok(4));
    }

    #[test]
    fn much_that_is_told_in_a_batch_is_not_kept_back() {
        let (post, (said, heard)) = (thread(), mpsc::channel());
        batched(|| {
            let all = PIECE as u32;
            (0..=all).for_each(|who| send(&post, &said, who));
            assert_eq!(heard.iter().take(PIECE).collect::<Vec<_>>(), (0..all).collect::<Vec<_>>());
            assert!(heard.try_recv().is_err(), "the last waits for the end");
        });
        assert_eq!(heard.recv(), Ok(PIECE as u32));
    }

    #[test]
    fn what_was_told_is_delivered_before_something_that_takes_its_time() {
        let (post, (said, heard)) = (thread(), mpsc::channel());
        deliver_first();
        batched(|| {
            (1..=2).for_each(|who| send(&post, &said, who));
            deliver_first();
            assert_eq!(heard.iter().take(2).collect::<Vec<_>>(), [1, 2]);
            send(&post, &said, 3);
            assert!(heard.try_recv().is_err(), "what comes after that waits for the end");
        });
        assert_eq!(heard.recv(), Ok(3));
    }

    #[test]
    fn a_batch_that_panics_is_delivered() {
        let (post, (said, heard)) = (thread(), mpsc::channel());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            batched(|| {
                send(&post, &said, 1);
                std::panic::resume_unwind(Box::new("as told"));
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(heard.recv(), Ok(1));
    }

    /// Tells something more when it is dropped, and panics.
    struct Teller(Post, mpsc::Sender<u32>);

    impl Drop for Teller {
        fn drop(&mut self) {
            send(&self.0, &self.1, 2);
            panic!("rehearsed: in a drop");
        }
    }

    #[test]
    fn g11_what_a_job_does_when_it_is_dropped_undelivered_harms_nobody() {
        let (post, (said, heard)) = (thread(), mpsc::channel());
        let (ended, jobs) = Post::new();
        drop(jobs);
        let refused = || {
            let teller = Teller(post.clone(), said.clone());
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
