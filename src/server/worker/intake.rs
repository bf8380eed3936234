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
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::base::clock;

/// A worker that has connections waiting and took none for so long is behind.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// So many wait for one worker at most; then it is behind, too.
const MOST: usize = 128;

/// The connections of one server that wait for one worker.
#[derive(Debug)]
pub(crate) struct Intake<T> {
    queue: Mutex<Queue<T>>,
    /// What waits is part of what is to end before the server does.
    tasks: TaskTracker,
    more: Notify,
    /// Whether it is passed over until it shows itself.
    behind: AtomicBool,
    /// Notified when it does.
    caught_up: Arc<Notify>,
}

#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<(T, TaskTrackerToken)>,
    /// Since when the worker has taken none of them.
    since: Instant,
}

impl<T> Intake<T> {
    pub(crate) fn new(caught_up: Arc<Notify>, tasks: TaskTracker) -> Self {
        let queue = Mutex::new(Queue { waiting: VecDeque::new(), since: clock::now() });
        Self { queue, tasks, more: Notify::new(), behind: AtomicBool::new(false), caught_up }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next connection of the worker's, which the server waits for as long as the token is there.
    pub(crate) async fn next(&self) -> (T, TaskTrackerToken) {
        loop {
            let next = self.take(clock::now());
            if self.behind.swap(false, Ordering::AcqRel) {
                self.caught_up.notify_one();
            }
            match next {
                Some(next) => return next,
                None => self.more.notified().await,
            }
        }
    }

    fn take(&self, now: Instant) -> Option<(T, TaskTrackerToken)> {
        let mut queue = self.lock();
        queue.since = now;
        queue.waiting.pop_front()
    }

    fn put(&self, connection: T, now: Instant) {
        let mut queue = self.lock();
        if queue.waiting.is_empty() {
            queue.since = now;
        }
        queue.waiting.push_back((connection, self.tasks.token()));
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
    fn take_back(&self) -> Vec<T> {
        std::mem::take(&mut self.lock().waiting).into_iter().map(|(connection, _)| connection).collect()
    }

    /// Whether anything waits to be taken.
    pub(crate) fn waits(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// Drops what the worker has not taken in time.
    pub(crate) fn drop_late(&self, now: Instant) {
        self.look(now);
        if self.is_behind() {
            self.drop_all();
        }
    }

    /// Drops what waits.
    pub(crate) fn drop_all(&self) {
        drop(self.take_back());
    }
}

/// Deals connections out to workers in turn.
#[derive(Debug)]
pub(crate) struct Dealer<T> {
    workers: Vec<Arc<Intake<T>>>,
    /// Whose turn it is.
    turn: usize,
}

impl<T> Dealer<T> {
    /// Begins with the worker whose turn it is.
    pub(crate) fn new(workers: Vec<Arc<Intake<T>>>, turn: usize) -> Self {
        let turn = turn % workers.len().max(1);
        Self { workers, turn }
    }

    /// Deals to these from now on; what waits for others comes with them.
    pub(crate) fn change(&mut self, workers: Vec<Arc<Intake<T>>>, now: Instant) {
        let before = std::mem::replace(self, Self::new(workers, self.turn)).workers;
        let is_gone = |worker: &&Arc<Intake<T>>| !self.workers.iter().any(|one| Arc::ptr_eq(one, worker));
        let gone: Vec<_> = before.iter().filter(is_gone).collect();
        for connection in gone.into_iter().flat_map(|worker| worker.take_back()) {
            self.deal(connection, now);
        }
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
        intakes: Vec<Arc<Intake<u32>>>,
        caught_up: Arc<Notify>,
    }

    impl Rig {
        fn new(workers: usize) -> Self {
            let caught_up = Arc::<Notify>::default();
            let intake = |_| Arc::new(Intake::new(Arc::clone(&caught_up), TaskTracker::new()));
            let intakes = (0..workers).map(intake).collect();
            Self { intakes, caught_up }
        }

        fn dealer(&self) -> Dealer<u32> {
            Dealer::new(self.intakes.clone(), 0)
        }

        async fn taken(&self, worker: usize) -> Vec<u32> {
            let mut taken = Vec::new();
            while let Ok(next) = tokio::time::timeout(Duration::ZERO, self.intakes[worker].next()).await {
                taken.push(next.0);
            }
            taken
        }
    }

    #[tokio::test]
    async fn g17_connections_of_a_worker_that_takes_none_go_to_others_until_it_does() {
        let rig = Rig::new(3);
        let (mut dealer, now) = (rig.dealer(), Instant::now());
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
        let (mut dealer, now) = (rig.dealer(), Instant::now());
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
        let (mut dealer, now) = (rig.dealer(), Instant::now());
        let mut dealt = 0;
        while dealer.is_open() {
            dealer.deal(dealt, now);
            dealt += 1;
        }
        assert_eq!(dealt as usize, MOST);
        assert_eq!(rig.taken(0).await.len(), MOST);
        assert!(dealer.is_open());
    }

    #[tokio::test]
    async fn g17_what_waits_for_a_worker_that_has_left_goes_to_the_one_in_its_place() {
        let rig = Rig::new(3);
        let now = Instant::now();
        let mut dealer = Dealer::new(rig.intakes[..2].to_vec(), 1);
        (0..4).for_each(|connection| dealer.deal(connection, now));
        assert_eq!(rig.taken(1).await, [0, 2]);
        dealer.change(vec![Arc::clone(&rig.intakes[2]), Arc::clone(&rig.intakes[1])], now);
        assert_eq!((rig.taken(0).await, rig.taken(1).await, rig.taken(2).await), (vec![], vec![1], vec![3]));
    }

    #[tokio::test]
    async fn g08_what_waits_is_waited_for_until_it_is_taken_and_over_or_dropped() {
        let rig = Rig::new(1);
        let (mut dealer, now) = (rig.dealer(), Instant::now());
        let intake = &rig.intakes[0];
        (0..2).for_each(|connection| dealer.deal(connection, now));
        assert_eq!(intake.tasks.len(), 2);
        let (first, token) = intake.next().await;
        assert_eq!((first, intake.tasks.len()), (0, 2));
        drop(token);
        intake.drop_late(now);
        assert!(intake.waits());
        intake.drop_late(Instant::now() + PATIENCE);
        assert_eq!((intake.waits(), intake.tasks.len()), (false, 0));
    }
}
