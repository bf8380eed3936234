//! The workers that one server uses, in one life of it: as many of its manager's as it asks for.
//!
//! ```text
//!   serves --give_way--> gives way --what was dealt is taken--> leaves, to its end
//!      ^                     |                                       .
//!      +------ resume -------+.......................................
//! ```
//!
//! What it has on a worker gives way for good: a server that resumes begins anew there, beside what leaves.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

use crate::base::clock;
use crate::server::application::Application;
use crate::server::drain::{Timetable, Undrained};
use crate::server::gauge::Gauge;
use crate::server::leaving::Leaving;
use crate::server::listen::Accepted;
use crate::server::options::EngineOptions;
use crate::server::state::WorkerState;
use crate::server::worker::intake::{Dealer, Intake, PATIENCE};
use crate::server::worker::part::Part;
use crate::server::worker::stream_executor::WorkerSet;
use crate::server::worker::stuck::{OnStall, StallWatch};
use crate::server::worker::thread::WorkerThread;
use crate::server::worker::workers::{Joined, Serving, WeakWorkers};

/// How the server ended.
pub(crate) type Drained = Result<(), Undrained>;

/// How long those who wait for what a server has on workers wait at most; longer takes only a blocked one.
pub(crate) const LAST_WAIT: Duration = Duration::from_millis(50);

/// The workers of one life of a server.
pub(crate) struct Crew<A> {
    /// What it has on those that it uses.
    parts: Vec<Part>,
    /// What it has on others, or had before it gave way.
    leaving: Leaving,
    gives_way: bool,
    recruiting: Recruiting<A>,
    serving: Receiver<Serving>,
    workers: WeakWorkers,
    one_thread: bool,
    turn: usize,
}

/// What it takes to use another worker.
pub(crate) struct Recruiting<A> {
    pub(crate) application: A,
    pub(crate) options: EngineOptions,
    pub(crate) places_taken: Arc<AtomicUsize>,
    pub(crate) gauge: Gauge,
    pub(crate) kill: CancellationToken,
    pub(crate) alive: mpsc::Sender<Infallible>,
    pub(crate) caught_up: Arc<Notify>,
    pub(crate) worker_set: WorkerSet,
    pub(crate) on_stall: OnStall,
    pub(crate) watch: Arc<StallWatch>,
}

impl<A: Application> Recruiting<A> {
    fn begin(&self, thread: &Arc<WorkerThread>) -> Part {
        let state = WorkerState::new(self.options.clone(), Arc::clone(&self.places_taken));
        let number = self.watch.number();
        let shared = Arc::new(state.of_worker(number, Arc::clone(thread), self.kill.child_token()));
        self.gauge.add(Arc::clone(&shared));
        self.watch.enter(Arc::clone(&shared), Arc::clone(&self.on_stall));
        let (application, worker_set) = (self.application.for_worker(), self.worker_set.clone());
        let (caught_up, alive) = (Arc::clone(&self.caught_up), self.alive.clone());
        Part::begin(application, shared, worker_set, caught_up, alive)
    }
}

impl<A: Application> Crew<A> {
    /// The server begins to serve there.
    pub(crate) fn begin(joined: Joined, recruiting: Recruiting<A>) -> Self {
        recruiting.gauge.begin();
        let Joined { serving, turn, workers, one_thread, .. } = joined;
        let (parts, leaving) = Default::default();
        let mut crew =
            Self { parts, leaving, gives_way: false, recruiting, serving, workers, one_thread, turn };
        crew.recruit();
        crew
    }

    /// The workers that it is to use now.
    fn wanted(&mut self) -> Vec<Arc<WorkerThread>> {
        let count = self.recruiting.options.worker_count();
        self.serving.borrow_and_update().iter().take(count).cloned().collect()
    }

    /// Uses what it is to use, and has what it uses no more come to its end.
    fn recruit(&mut self) {
        let wanted = self.wanted();
        for thread in &wanted {
            if !self.parts.iter().any(|part| Arc::ptr_eq(&part.shared.thread, thread)) {
                self.parts.push(self.recruiting.begin(thread));
            }
        }
        let is_left = |part: &mut Part| !wanted.iter().any(|thread| Arc::ptr_eq(&part.shared.thread, thread));
        self.parts.extract_if(.., is_left).for_each(|left| self.leaving.add(left));
        let used = self.parts.iter().map(|part| Arc::clone(&part.shared)).collect();
        self.recruiting.worker_set.set(used);
    }

    /// Deals connections out to those that it uses.
    pub(crate) fn dealer(&self) -> Dealer<Accepted> {
        Dealer::new(self.intakes(), self.turn)
    }

    fn intakes(&self) -> Vec<Arc<Intake<Accepted>>> {
        self.parts.iter().map(|part| Arc::clone(&part.intake)).collect()
    }

    /// Resolves when a worker has taken the place of another, or something that left is over.
    pub(crate) async fn changes(&mut self) {
        tokio::select! {
            Ok(()) = self.serving.changed() => {}
            over = self.leaving.next_over() => {
                self.recruiting.gauge.remove(&over.shared);
                self.recruiting.watch.remove(over.shared.number);
            }
        }
    }

    /// Uses the workers that there are now.
    pub(crate) fn change(&mut self, dealer: &mut Dealer<Accepted>) {
        if self.gives_way && self.parts.is_empty() {
            return;
        }
        self.recruit();
        dealer.change(self.intakes(), clock::now());
        if self.gives_way {
            self.parts.iter().for_each(|part| part.shared.give_way());
        }
    }

    /// Gives way, or begins to serve again; where it does already, nothing happens.
    pub(crate) fn set_gives_way(&mut self, gives_way: bool, dealer: &mut Dealer<Accepted>) {
        if std::mem::replace(&mut self.gives_way, gives_way) == gives_way {
            return;
        }
        if gives_way {
            self.parts.iter().for_each(|part| part.shared.give_way());
        } else {
            self.parts.drain(..).for_each(|part| self.leaving.add(part));
            self.recruit();
            dealer.change(self.intakes(), clock::now());
        }
    }

    pub(crate) fn gives_way(&self) -> bool {
        self.gives_way
    }

    /// Where it gives way: leaves the workers once they have taken what they were dealt. Until then another can take it in the place of
    /// one that is behind.
    pub(crate) fn leave_in_order(&mut self) {
        if self.gives_way && !self.parts.iter().any(|part| part.intake.waits()) {
            self.parts.drain(..).for_each(|part| self.leaving.add(part));
        }
    }

    /// Whether it gives way, and nothing is left.
    pub(crate) fn has_given_way(&self) -> bool {
        self.gives_way && self.parts.is_empty() && self.leaving.is_empty()
    }

    /// Notified when a worker that was passed over takes connections again.
    pub(crate) fn caught_up(&self) -> Arc<Notify> {
        Arc::clone(&self.recruiting.caught_up)
    }

    pub(crate) fn protocol(&self) -> &'static str {
        self.recruiting.options.protocol
    }

    /// Begins the drain.
    pub(crate) fn drain(&mut self, times: Option<Timetable>) {
        self.parts.append(&mut self.leaving.take());
        for part in &mut self.parts {
            part.drain(times);
        }
    }

    /// What it has on workers, once it drains.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What did not end by itself where it is forced before it drains.
    pub(crate) fn forced(&mut self) -> Drained {
        self.parts.append(&mut self.leaving.take());
        undrained(&self.parts, true)
    }

    /// Ends all at once, as far as it has not ended, and leaves the workers. Resolves when nothing is left there.
    pub(crate) async fn leave(self) {
        let Self { mut parts, mut leaving, recruiting, workers, one_thread, .. } = self;
        parts.append(&mut leaving.take());
        recruiting.kill.cancel();
        let watch = Arc::clone(&recruiting.watch);
        // Who waits for what is left waits for the workers alone.
        drop(recruiting);
        for part in &parts {
            part.intake.drop_all();
            part.shared.tasks.close();
        }
        if !one_thread && tokio::time::timeout(LAST_WAIT, all_over(&parts)).await.is_err() {
            let numbers: Vec<_> = parts.iter().map(|part| part.shared.number).collect();
            for part in parts.iter().filter(|part| part.is_blocked_by(&numbers)) {
                workers.replace(&part.shared.thread);
            }
        }
        all_over(&parts).await;
        parts.iter().for_each(|part| watch.remove(part.shared.number));
    }
}

/// Resolves when nothing is left of these.
pub(crate) async fn all_over(parts: &[Part]) {
    for part in parts {
        part.over().await;
    }
}

/// In a drain: drops what waits for a worker that does not take it. Never resolves.
pub(crate) async fn drop_late(parts: &[Part]) {
    while parts.iter().any(|part| part.intake.waits()) {
        tokio::time::sleep(PATIENCE).await;
        parts.iter().for_each(|part| part.intake.drop_late(clock::now()));
    }
    std::future::pending().await
}

/// What did not end by itself, by worker. One that has not even called its calls off is blocked; one that has, or
/// that nobody waits for since the server is forced, closes its connections as soon as it is scheduled.
pub(crate) fn undrained(parts: &[Part], forced: bool) -> Drained {
    let mut left = Undrained::default();
    for part in parts {
        let shared = &part.shared;
        let called_off = shared.called_off_calls();
        left.called_off += called_off.open();
        for calls in [called_off, shared.left()] {
            for (method, count) in calls.calls {
                *left.methods.entry(method).or_default() += count;
            }
            left.oldest = left.oldest.into_iter().chain(calls.oldest).max_by_key(|call| call.age);
        }
        left.cut += shared.cut.load(Ordering::Relaxed);
        let carrying = shared.carrying.load(Ordering::Relaxed);
        if shared.is_over() {
            left.connections += shared.held_on.load(Ordering::Relaxed);
        } else if forced || shared.off.load(Ordering::Relaxed) {
            left.connections += carrying;
            left.cut += carrying.saturating_sub(shared.cut_with_calls.load(Ordering::Relaxed));
        } else {
            left.connections += carrying;
            left.blocked_workers.push(shared.thread.name.to_string());
        }
    }
    if left.is_clean() { Ok(()) } else { Err(left) }
}
