//! Connections on their way from the acceptor to the workers.
//!
//! ```text
//!   accepted --in turn--> in a worker's queue --taken by it--> served
//!                           |          ^
//!                           |          +-- dealt again, to a worker that takes some
//!                           +-- not taken in time: the worker is behind, and passed over until it takes again
//! ```
//!
//! A worker whose handler blocks it takes no connection. What it was dealt in the meantime goes to others, and so does
//! what comes then: [`Dealer`] is the acceptor's side of that. While all of them are behind nothing is accepted: the
//! system's queue holds what comes, and is bounded by itself. Nothing ticks: there is a timer only while a connection
//! waits to be taken.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A worker that has connections waiting and took none for so long is behind.
const PATIENCE: Duration = Duration::from_millis(50);

/// So many wait for one worker at most; then it is behind, too.
const MOST: usize = 128;

/// The connections that wait for one worker.
#[derive(Debug)]
pub(crate) struct Intake<T> {
    queue: Mutex<Queue<T>>,
    more: Notify,
    /// Whether it is passed over until it shows itself.
    behind: AtomicBool,
    /// Notified when it does.
    caught_up: Arc<Notify>,
}

#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<T>,
    /// Since when the worker has taken none of them.
    since: Instant,
}

impl<T> Intake<T> {
    pub(crate) fn new(caught_up: Arc<Notify>) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), since: Instant::now() });
        Self { queue, more: Notify::new(), behind: AtomicBool::new(false), caught_up }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next connection of the worker's.
    pub(crate) async fn next(&self) -> T {
        loop {
            let next = self.take(Instant::now());
            if self.behind.swap(false, Ordering::AcqRel) {
                self.caught_up.notify_one();
            }
            match next {
                Some(next) => return next,
                None => self.more.notified().await,
            }
        }
    }

    fn take(&self, now: Instant) -> Option<T> {
        let mut queue = self.lock();
        queue.since = now;
        queue.waiting.pop_front()
    }

    fn put(&self, connection: T, now: Instant) {
        let mut queue = self.lock();
        if queue.waiting.is_empty() {
            queue.since = now;
        }
        queue.waiting.push_back(connection);
        if queue.waiting.len() >= MOST {
            self.behind.store(true, Ordering::Release);
        }
        drop(queue);
        self.more.notify_one();
    }

    fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    /// When it is behind unless it takes one; `None` where that is known, or none waits.
    fn due(&self) -> Option<Instant> {
        let queue = self.lock();
        (!queue.waiting.is_empty() && !self.is_behind()).then(|| queue.since + PATIENCE)
    }

    /// Takes note of whether it is behind by now.
    fn look(&self, now: Instant) {
        let queue = self.lock();
        if !queue.waiting.is_empty() && queue.since + PATIENCE <= now {
            self.behind.store(true, Ordering::Release);
        }
    }

    /// What waits for a worker that is behind.
    fn take_back(&self) -> VecDeque<T> {
        std::mem::take(&mut self.lock().waiting)
    }
}

/// Deals connections out to workers in turn.
#[derive(Debug)]
pub(crate) struct Dealer<'a, T> {
    workers: Vec<&'a Intake<T>>,
    /// Whose turn it is.
    turn: usize,
}

impl<'a, T> Dealer<'a, T> {
    pub(crate) fn new(workers: impl IntoIterator<Item = &'a Intake<T>>) -> Self {
        Self { workers: workers.into_iter().collect(), turn: 0 }
    }

    /// Whether there is anybody to take a connection.
    pub(crate) fn is_open(&self) -> bool {
        self.workers.iter().any(|worker| !worker.is_behind())
    }

    /// When to look at who is behind.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.workers.iter().filter_map(|worker| worker.due()).min()
    }

    /// Deals to the next in turn who is not behind; where all are, to the next.
    pub(crate) fn deal(&mut self, connection: T, now: Instant) {
        let count = self.workers.len();
        let turns = (0..count).map(|ahead| (self.turn + ahead) % count);
        let next = turns.clone().find(|turn| !self.workers[*turn].is_behind()).unwrap_or(self.turn);
        self.workers[next].put(connection, now);
        self.turn = (next + 1) % count;
    }

    /// Finds who is behind, and deals what waits for them to others.
    pub(crate) fn look(&mut self, now: Instant) {
        self.workers.iter().for_each(|worker| worker.look(now));
        for at in 0..self.workers.len() {
            if self.workers[at].is_behind() && self.is_open() {
                let waiting = self.workers[at].take_back();
                waiting.into_iter().for_each(|connection| self.deal(connection, now));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rig {
        intakes: Vec<Intake<u32>>,
        caught_up: Arc<Notify>,
    }

    impl Rig {
        fn new(workers: usize) -> Self {
            let caught_up = Arc::<Notify>::default();
            let intakes = (0..workers).map(|_| Intake::new(Arc::clone(&caught_up))).collect();
            Self { intakes, caught_up }
        }

        async fn taken(&self, worker: usize) -> Vec<u32> {
            let mut taken = Vec::new();
            while let Ok(next) = tokio::time::timeout(Duration::ZERO, self.intakes[worker].next()).await {
                taken.push(next);
            }
            taken
        }
    }

    #[tokio::test]
    async fn g17_connections_of_a_worker_that_takes_none_go_to_others_until_it_does() {
        let rig = Rig::new(3);
        let (mut dealer, now) = (Dealer::new(&rig.intakes), Instant::now());
        (0..6).for_each(|connection| dealer.deal(connection, now));
        // The first takes none.
        assert_eq!((rig.taken(1).await, rig.taken(2).await), (vec![1, 4], vec![2, 5]));
        assert_eq!(dealer.due(), Some(now + PATIENCE));
        let late = now + PATIENCE;
        dealer.look(late);
        assert_eq!((rig.taken(1).await, rig.taken(2).await), (vec![0], vec![3]));
        (6..8).for_each(|connection| dealer.deal(connection, late));
        assert_eq!((rig.taken(1).await, rig.taken(2).await), (vec![6], vec![7]));
        assert_eq!(dealer.due(), None, "nothing ticks");

        assert!(rig.taken(0).await.is_empty());
        tokio::time::timeout(Duration::ZERO, rig.caught_up.notified()).await.expect("it is not told");
        (8..11).for_each(|connection| dealer.deal(connection, late));
        let all = [rig.taken(0).await, rig.taken(1).await, rig.taken(2).await];
        assert!(all.iter().all(|one| one.len() == 1), "{all:?}");
    }

    #[tokio::test]
    async fn g17_while_all_workers_are_behind_nothing_is_accepted_and_the_first_to_come_gets_what_waits() {
        let rig = Rig::new(2);
        let (mut dealer, now) = (Dealer::new(&rig.intakes), Instant::now());
        (0..4).for_each(|connection| dealer.deal(connection, now));
        dealer.look(now + PATIENCE);
        assert!(!dealer.is_open());
        assert_eq!(dealer.due(), None);
        assert_eq!(rig.taken(1).await, [1, 3]);
        assert!(dealer.is_open());
        dealer.look(now + PATIENCE);
        assert_eq!(rig.taken(1).await, [0, 2]);
    }

    #[tokio::test]
    async fn g17_no_more_than_so_many_connections_wait_for_a_worker() {
        let rig = Rig::new(1);
        let (mut dealer, now) = (Dealer::new(&rig.intakes), Instant::now());
        let mut dealt = 0;
        while dealer.is_open() {
            dealer.deal(dealt, now);
            dealt += 1;
        }
        assert_eq!(dealt as usize, MOST);
        assert_eq!(rig.taken(0).await.len(), MOST);
        assert!(dealer.is_open());
    }
}
