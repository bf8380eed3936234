//! A worker: a thread with a single-threaded runtime, on which connections and their calls are served.
//!
//! Everything that a worker shares is written by its own thread, but for the ends of calls that it handed over to
//! others: so counting a call costs no other core anything.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc as blocking};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::balance::Backlog;
use super::begin::Host;
use super::drain::{Patience, Timetable, until};
use super::intake::Intake;
use super::logging::Logger;
use super::open_calls::OpenCalls;
use super::options::GrpcServerOptions;
use super::router::Router;
use super::streams::Crew;
use super::stuck::{Alarm, Poll};
use super::transport::Accepted;
use super::unread::Unreading;
use crate::base::{ThreadError, spawn_with};
use crate::events::{InFlight, Name};
use crate::supervision::{dispatch, panics};

/// What a worker, its connections and their calls know of each other.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) options: GrpcServerOptions,
    pub(super) logger: Arc<Logger>,
    /// Calls that are open on the whole server. Counted only where they are limited.
    pub(super) places_taken: Arc<AtomicUsize>,
    /// Where it runs, once it does.
    pub(super) runtime: OnceLock<Handle>,
    /// What is to end before it does: its connections, and the calls that others handed over to it.
    pub(super) tasks: TaskTracker,
    /// Calls that are not light and wait for their first poll.
    pub(super) backlog: Backlog,
    /// Which of them it is.
    pub(super) number: usize,
    /// The handler that its thread is in.
    pub(super) poll: Arc<Poll>,
    /// The handler that blocks it, as far as that is known, and since when.
    stuck: Mutex<Option<(Name, Instant)>>,
    /// Whether its thread sleeps for want of work.
    parked: Arc<AtomicBool>,
    pub(super) connections: AtomicUsize,
    /// Those with calls open.
    pub(super) carrying: AtomicUsize,
    /// All calls that ever came, and those of them that were one too many.
    pub(super) calls: AtomicU64,
    pub(super) shed: AtomicU64,
    pub(super) open: OpenCalls,
    /// Connections are to come to their end.
    pub(super) draining: CancellationToken,
    /// Known once they are.
    patience: OnceLock<Patience>,
    /// Connections whose peer reads nothing.
    pub(super) unreading: Unreading,
    /// Calls are answered UNAVAILABLE from here on.
    pub(super) called_off: CancellationToken,
    /// The same, cheap to ask.
    pub(super) off: AtomicBool,
    /// Connections are to be cut.
    pub(super) cutting: CancellationToken,
    /// The whole server is ended at once.
    pub(super) killed: CancellationToken,
    /// What [`DrainError`](super::DrainError) tells.
    pub(super) held_on: AtomicUsize,
    pub(super) cut: AtomicUsize,
    /// Those of the cut connections whose calls are not yet gone, which are still among the carrying ones.
    pub(super) cut_with_calls: AtomicUsize,
    /// Calls that were answered UNAVAILABLE.
    unavailable: Mutex<InFlight>,
    /// Calls that were open when connections were cut.
    left: OnceLock<InFlight>,
}

impl Shared {
    /// What the workers of one server share is the places.
    pub(super) fn new(options: GrpcServerOptions, places_taken: Arc<AtomicUsize>) -> Self {
        Self { options, places_taken, ..Self::default() }
    }

    pub(super) fn logged_by(self, logger: &Arc<Logger>) -> Self {
        Self { logger: Arc::clone(logger), ..self }
    }

    /// Whether it has time for calls of others: nothing to do at all, or nothing but such.
    pub(super) fn is_free(&self) -> bool {
        self.parked.load(Ordering::Relaxed) || self.carrying.load(Ordering::Relaxed) == 0
    }

    /// Connections are to come to their end, by that time where there is one.
    pub(super) fn drain(&self, times: Option<Timetable>) {
        let whole = times.map(|times| times.whole);
        // It is done once.
        let _ = self.patience.set(Patience::new(whole, self.options.write_timeout));
        self.draining.cancel();
    }

    /// With peers that do not go along with the drain.
    pub(super) fn patience(&self) -> Patience {
        self.patience.get().copied().unwrap_or_else(|| Patience::new(None, self.options.write_timeout))
    }

    pub(super) fn is_parked(&self) -> bool {
        self.parked.load(Ordering::Relaxed)
    }

    /// What blocks it, or that nothing does any more.
    pub(super) fn note_stuck(&self, stuck: Option<(Name, Instant)>) {
        *self.stuck.lock().unwrap_or_else(PoisonError::into_inner) = stuck;
    }

    /// The method whose handler blocks it, and for how long it has.
    pub(super) fn stuck(&self) -> Option<(Name, Duration)> {
        let stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        stuck.as_ref().map(|(method, since)| (method.clone(), since.elapsed()))
    }

    fn call_off(&self) {
        self.held_on.store(self.carrying.load(Ordering::Relaxed), Ordering::Relaxed);
        self.off.store(true, Ordering::Relaxed);
        self.called_off.cancel();
    }

    pub(super) fn count_unavailable(&self, method: &str, age: Duration) {
        self.lock_unavailable().add(method, age);
    }

    /// The calls that were answered UNAVAILABLE.
    pub(super) fn unavailable(&self) -> InFlight {
        self.lock_unavailable().clone()
    }

    /// The calls that were not even ended so: those that were cut, or that are open still.
    pub(super) fn left(&self) -> InFlight {
        self.left.get().cloned().unwrap_or_else(|| self.left_now())
    }

    fn left_now(&self) -> InFlight {
        let mut left = InFlight::default();
        self.open.for_each(|call| {
            if !call.called_off {
                left.add(call.method(), call.began.elapsed());
            }
        });
        left
    }

    fn cut_all(&self) {
        // It is done once.
        let _ = self.left.set(self.left_now());
        self.cutting.cancel();
    }

    fn lock_unavailable(&self) -> MutexGuard<'_, InFlight> {
        self.unavailable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker, from outside.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) shared: Arc<Shared>,
    pub(super) intake: Arc<Intake<Accepted>>,
    drain: Option<oneshot::Sender<Option<Timetable>>>,
    over: CancellationToken,
    thread: JoinHandle<Option<()>>,
}

impl Worker {
    /// Starts a worker, whose log events go where this thread's go. It ends when drained, or killed; then it lets go
    /// of `alive`.
    pub(super) fn start(
        number: usize,
        router: Router,
        shared: Shared,
        crew: Crew,
        kill: CancellationToken,
        alive: blocking::Sender<Infallible>,
        (caught_up, alarm): (Arc<Notify>, Arc<Alarm>),
    ) -> Result<Self, ThreadError> {
        let name = format!("grpc-worker-{number}");
        let (parks, unparks) = (Arc::clone(&shared.parked), Arc::clone(&shared.parked));
        let shared = Arc::new(Shared { killed: kill.clone(), number, ..shared });
        let poll = Arc::clone(&shared.poll);
        let its_shared = Arc::clone(&shared);
        let runtime = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .on_thread_park(move || parks.store(true, Ordering::Relaxed))
                .on_thread_unpark(move || {
                    unparks.store(false, Ordering::Relaxed);
                    alarm.ring();
                })
                .build()?;
            // It has none yet.
            let _ = its_shared.runtime.set(runtime.handle().clone());
            Ok(runtime)
        };
        let over = CancellationToken::new();
        let intake = Arc::new(Intake::new(caught_up));
        let (drain, ordered) = oneshot::channel();
        let work = work(Arc::clone(&intake), ordered, router, Arc::clone(&shared), crew);
        let guard = over.clone().drop_guard();
        let dispatch = dispatch::current();
        let thread = spawn_with("a gRPC worker", name.clone(), runtime, move |runtime| {
            let _alive = alive;
            let _over_in_the_end = guard;
            let _dispatch = dispatch::adopt(&dispatch);
            panics::keep_latest();
            poll.adopt();
            runtime.block_on(async move {
                tokio::select! {
                    biased;
                    () = kill.cancelled() => {}
                    () = work => {}
                }
            });
            // Drops every connection and call that is left; waits for no blocking task of a handler.
            runtime.shutdown_background();
        })?;
        Ok(Self { name, shared, intake, drain: Some(drain), over, thread })
    }

    /// Begins the drain.
    pub(super) fn drain(&mut self, times: Option<Timetable>) {
        if let Some(drain) = self.drain.take() {
            // One that has ended needs no order.
            let _ = drain.send(times);
        }
    }

    /// Resolves when nothing is left on the worker.
    pub(super) fn over(&self) -> impl Future<Output = ()> + '_ {
        self.over.cancelled()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Waits for the thread's last instructions. Only for a worker that is over.
    pub(super) fn join(self) {
        // It ran no code that could panic but the runtime's, which has nothing left to tell.
        let _ = self.thread.join();
    }
}

/// Serves connections until the drain has come to its end.
async fn work(
    connections: Arc<Intake<Accepted>>,
    mut ordered: oneshot::Receiver<Option<Timetable>>,
    router: Router,
    shared: Arc<Shared>,
    crew: Crew,
) {
    let tasks = &shared.tasks;
    let host = Host::new(router, Arc::clone(&shared), crew);
    let times = loop {
        tokio::select! {
            biased;
            accepted = connections.next() => host.begin(accepted),
            ordered = &mut ordered => match ordered {
                Ok(times) => break times,
                // Whoever could order it is gone, and with it the server.
                Err(_) => return shared.killed.cancel(),
            },
        }
    };
    shared.drain(times);
    tasks.close();
    tokio::select! {
        () = tasks.wait() => return,
        () = until(times.map(|times| times.call_off)) => shared.call_off(),
    }
    tokio::select! {
        () = tasks.wait() => return,
        () = until(times.map(|times| times.cut)) => shared.cut_all(),
    }
    tasks.wait().await;
}
