//! What a manager tells many actors at once is delivered in few pieces: each thread is woken for much that is new to it,
//! not for each actor on it, and begins with it while the manager goes on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use actix_rt::ArbiterHandle;

use super::control::Control;

/// How much is kept back for a thread, at most.
const PIECE: usize = 64;

thread_local! {
    static OPEN: RefCell<Option<Batch>> = const { RefCell::new(None) };
}

/// By thread, in the order in which it came.
#[derive(Default)]
struct Batch(BTreeMap<u64, (ArbiterHandle, Vec<Job>)>);

/// Something to be done on a thread.
pub(super) enum Job {
    Run(Box<dyn FnOnce() + Send>),
    Rouse(Arc<Control>),
}

impl Job {
    fn perform(self) {
        match self {
            Self::Run(job) => job(),
            Self::Rouse(control) => control.rouse_here(),
        }
    }
}

/// Where jobs for a thread go.
#[derive(Debug, Clone)]
pub(super) struct Post {
    /// Tells one thread from another.
    thread: u64,
    arbiter: ArbiterHandle,
}

impl Post {
    pub(super) fn new(thread: u64, arbiter: ArbiterHandle) -> Self {
        Self { thread, arbiter }
    }

    /// Has it done: at once, or with the others of the batch that is open on this thread.
    pub(super) fn send(&self, job: Job) {
        let job = OPEN.with_borrow_mut(|open| {
            let Some(batch) = open else { return Some(job) };
            let (_, jobs) = batch.0.entry(self.thread).or_insert_with(|| (self.arbiter.clone(), Vec::new()));
            jobs.push(job);
            if jobs.len() >= PIECE {
                deliver_all(&self.arbiter, std::mem::replace(jobs, Vec::with_capacity(PIECE)));
            }
            None
        });
        if let Some(job) = job {
            deliver(&self.arbiter, job);
        }
    }
}

/// A waker needs no help to reach its thread.
fn deliver(arbiter: &ArbiterHandle, job: Job) {
    match job {
        Job::Run(job) => drop(arbiter.spawn_fn(job)),
        Job::Rouse(control) => control.rouse_here(),
    }
}

fn deliver_all(arbiter: &ArbiterHandle, mut jobs: Vec<Job>) {
    if jobs.len() > 1 {
        arbiter.spawn_fn(move || jobs.into_iter().for_each(Job::perform));
    } else if let Some(only) = jobs.pop() {
        deliver(arbiter, only);
    }
}

/// Delivers what has been told so far, before something that takes its time.
pub(super) fn deliver_first() {
    OPEN.with_borrow_mut(|open| {
        for (arbiter, jobs) in open.iter_mut().flat_map(|batch| batch.0.values_mut()) {
            deliver_all(arbiter, std::mem::take(jobs));
        }
    });
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
        for (arbiter, jobs) in batch.0.into_values() {
            deliver_all(&arbiter, jobs);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc;

    use actix_rt::Arbiter;

    use super::*;

    fn post_of(arbiter: &Arbiter) -> Post {
        Post::new(u64::MAX, arbiter.handle())
    }

    /// Sends a job that says who it is.
    fn send(post: &Post, said: &mpsc::Sender<u32>, who: u32) {
        let said = said.clone();
        post.send(Job::Run(Box::new(move || said.send(who).expect("it is heard"))));
    }

    #[actix_rt::test]
    async fn what_is_told_in_a_batch_is_delivered_at_its_end_in_order() {
        let (arbiter, (said, heard)) = (Arbiter::new(), mpsc::channel());
        let post = post_of(&arbiter);
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

    #[actix_rt::test]
    async fn much_that_is_told_in_a_batch_is_not_kept_back() {
        let (arbiter, (said, heard)) = (Arbiter::new(), mpsc::channel());
        let post = post_of(&arbiter);
        batched(|| {
            let all = PIECE as u32;
            (0..=all).for_each(|who| send(&post, &said, who));
            assert_eq!(heard.iter().take(PIECE).collect::<Vec<_>>(), (0..all).collect::<Vec<_>>());
            assert!(heard.try_recv().is_err(), "the last waits for the end");
        });
        assert_eq!(heard.recv(), Ok(PIECE as u32));
    }

    #[actix_rt::test]
    async fn what_was_told_is_delivered_before_something_that_takes_its_time() {
        let (arbiter, (said, heard)) = (Arbiter::new(), mpsc::channel());
        let post = post_of(&arbiter);
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

    #[actix_rt::test]
    async fn a_batch_that_panics_is_delivered() {
        let (arbiter, (said, heard)) = (Arbiter::new(), mpsc::channel());
        let post = post_of(&arbiter);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            batched(|| {
                send(&post, &said, 1);
                std::panic::resume_unwind(Box::new("as told"));
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(heard.recv(), Ok(1));
    }
}
