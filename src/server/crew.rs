//! The workers that one server uses, in one life of it: as many of its manager's as it asks for.

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
    parts: Vec<Part>,
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
        let mut crew = Self { parts: Vec::new(), recruiting, serving, workers, one_thread, turn };
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
        let uses = |part: &&Part| wanted.iter().any(|thread| Arc::ptr_eq(&part.shared.thread, thread));
        for left in self.parts.iter().filter(|part| !uses(part)) {
            left.shared.tasks.close();
        }
        let used = self.parts.iter().filter(uses).map(|part| Arc::clone(&part.shared)).collect();
        self.recruiting.worker_set.set(used);
    }

    /// Deals connections out to those that it uses.
    pub(crate) fn dealer(&self) -> Dealer<Accepted> {
        Dealer::new(self.intakes(), self.turn)
    }

    fn intakes(&self) -> Vec<Arc<Intake<Accepted>>> {
        let open = self.parts.iter().filter(|part| !part.shared.tasks.is_closed());
        open.map(|part| Arc::clone(&part.intake)).collect()
    }

    /// Resolves when a worker has taken the place of another.
    pub(crate) async fn changes(&mut self) {
        if self.serving.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// Uses the workers that there are now.
    pub(crate) fn change(&mut self, dealer: &mut Dealer<Accepted>) {
        self.recruit();
        dealer.change(self.intakes(), clock::now());
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
        for part in &mut self.parts {
            part.drain(times);
        }
    }

    /// What it has on its workers.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Ends all at once, as far as it has not ended, and leaves the workers. Resolves when nothing is left there.
    pub(crate) async fn leave(self) {
        let Self { parts, recruiting, workers, one_thread, .. } = self;
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
