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

use crate::base::{ThreadError, spawn_with};
use crate::events::{InFlight, Name};
use crate::grpc::logging::Logger;
use crate::grpc::options::GrpcServerOptions;
use crate::grpc::register::router::Router;
use crate::server::connection::unread::Unreading;
use crate::server::drain::{Patience, Timetable, until};
use crate::server::listen::Accepted;
use crate::server::open_calls::OpenCalls;
use crate::server::worker::accept_task::Host;
use crate::server::worker::balance::Backlog;
use crate::server::worker::intake::Intake;
use crate::server::worker::stream_executor::Crew;
use crate::server::worker::stuck::{Alarm, Poll};
use crate::supervision::{dispatch, panics};

/// What a worker, its connections and their calls know of each other.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) options: GrpcServerOptions,
    pub(crate) logger: Arc<Logger>,
    /// Calls that are open on the whole server. Counted only where they are limited.
    pub(crate) places_taken: Arc<AtomicUsize>,
    /// Where it runs, once it does.
    pub(crate) runtime: OnceLock<Handle>,
    /// What is to end before it does: its connections, and the calls that others handed over to it.
    pub(crate) tasks: TaskTracker,
    /// Calls that are not light and wait for their first poll.
    pub(crate) backlog: Backlog,
    /// Which of them it is.
    pub(crate) number: usize,
    /// The handler that its thread is in.
    pub(crate) poll: Arc<Poll>,
    /// The handler that blocks it, as far as that is known, and since when.
    stuck: Mutex<Option<(Name, Instant)>>,
    /// Whether its thread sleeps for want of work.
    parked: Arc<AtomicBool>,
    pub(crate) connections: AtomicUsize,
    /// Those with calls open.
    pub(crate) carrying: AtomicUsize,
    /// All calls that ever came, and those of them that were one too many.
    pub(crate) calls: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) open: OpenCalls,
    /// Connections are to come to their end.
    pub(crate) draining: CancellationToken,
    /// Known once they are.
    patience: OnceLock<Patience>,
    /// Connections whose peer reads nothing.
    pub(crate) unreading: Unreading,
    /// Calls are answered UNAVAILABLE from here on.
    pub(crate) called_off: CancellationToken,
    /// The same, cheap to ask.
    pub(crate) off: AtomicBool,
    /// Connections are to be cut.
    pub(crate) cutting: CancellationToken,
    /// The whole server is ended at once.
    pub(crate) killed: CancellationToken,
    /// What [`DrainError`](crate::grpc::DrainError) tells.
    pub(crate) held_on: AtomicUsize,
    pub(crate) cut: AtomicUsize,
    /// Those of the cut connections whose calls are not yet gone, which are still among the carrying ones.
    pub(crate) cut_with_calls: AtomicUsize,
    /// Calls that were answered UNAVAILABLE.
    unavailable: Mutex<InFlight>,
    /// Calls that were open when connections were cut.
    left: OnceLock<InFlight>,
}

impl Shared {
    /// What the workers of one server share is the places.
    pub(crate) fn new(options: GrpcServerOptions, places_taken: Arc<AtomicUsize>) -> Self {
        Self { options, places_taken, ..Self::default() }
    }

    pub(crate) fn logged_by(self, logger: &Arc<Logger>) -> Self {
        Self { logger: Arc::clone(logger), ..self }
    }

    /// Whether it has time for calls of others: nothing to do at all, or nothing but such.
    pub(crate) fn is_free(&self) -> bool {
        self.parked.load(Ordering::Relaxed) || self.carrying.load(Ordering::Relaxed) == 0
    }

    /// Connections are to come to their end, by that time where there is one.
    pub(crate) fn drain(&self, times: Option<Timetable>) {
        let whole = times.map(|times| times.whole);
        // It is done once.
        let _ = self.patience.set(Patience::new(whole, self.options.write_timeout));
        self.draining.cancel();
    }

    /// With peers that do not go along with the drain.
    pub(crate) fn patience(&self) -> Patience {
        self.patience.get().copied().unwrap_or_else(|| Patience::new(None, self.options.write_timeout))
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.parked.load(Ordering::Relaxed)
    }

    /// What blocks it, or that nothing does any more.
    pub(crate) fn note_stuck(&self, stuck: Option<(Name, Instant)>) {
        *self.stuck.lock().unwrap_or_else(PoisonError::into_inner) = stuck;
    }

    /// The method whose handler blocks it, and for how long it has.
    pub(crate) fn stuck(&self) -> Option<(Name, Duration)> {
        let stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        stuck.as_ref().map(|(method, since)| (method.clone(), since.elapsed()))
    }

    fn call_off(&self) {
        self.held_on.store(self.carrying.load(Ordering::Relaxed), Ordering::Relaxed);
        self.off.store(true, Ordering::Relaxed);
        self.called_off.cancel();
    }

    pub(crate) fn count_unavailable(&self, method: &str, age: Duration) {
        self.lock_unavailable().add(method, age);
    }

    /// The calls that were answered UNAVAILABLE.
    pub(crate) fn unavailable(&self) -> InFlight {
        self.lock_unavailable().clone()
    }

    /// The calls that were not even ended so: those that were cut, or that are open still.
    pub(crate) fn left(&self) -> InFlight {
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
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) shared: Arc<Shared>,
    pub(crate) intake: Arc<Intake<Accepted>>,
    drain: Option<oneshot::Sender<Option<Timetable>>>,
    over: CancellationToken,
    thread: JoinHandle<Option<()>>,
}

impl Worker {
    /// Starts a worker, whose log events go where this thread's go. It ends when drained, or killed; then it lets go
    /// of `alive`.
    pub(crate) fn start(
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
    pub(crate) fn drain(&mut self, times: Option<Timetable>) {
        if let Some(drain) = self.drain.take() {
            // One that has ended needs no order.
            let _ = drain.send(times);
        }
    }

    /// Resolves when nothing is left on the worker.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + '_ {
        self.over.cancelled()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Waits for the thread's last instructions. Only for a worker that is over.
    pub(crate) fn join(self) {
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
