//! Accepts connections, deals them out to the workers, and conducts the drain.
//!
//! It has a thread of its own, so that neither a handler that blocks its worker nor a service that shares
//! the server's thread keeps connections waiting, or the drain from its deadline.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::base::{ThreadError, spawn_with};
use crate::events::Name;
use crate::server::application::Application;
use crate::server::drain::{Timetable, Undrained, until};
use crate::server::error::Lost;
use crate::server::gauge::Gauge;
use crate::server::listen::{Entry, Listening, accept as accept_any};
use crate::server::notice::ServerNotice;
use crate::server::options::EngineOptions;
use crate::server::state::WorkerState;
use crate::server::worker::intake::Dealer;
use crate::server::worker::stream_executor::WorkerSet;
use crate::server::worker::stuck::{Alarm, OnStall, Stuck};
use crate::server::worker::thread::Worker;
use crate::service::ShutdownSignal;
use crate::supervision::dispatch;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long the server's own thread waits in the end for those that it started; longer takes only a blocked one.
const LAST_WAIT: Duration = Duration::from_millis(50);

/// How the server ended.
pub(crate) type Drained = Result<(), Undrained>;

/// A running server, from outside. Dropping it closes every connection at once.
#[derive(Debug)]
pub(crate) struct Acceptor {
    drain: Option<oneshot::Sender<Option<Instant>>>,
    drained: watch::Receiver<Option<Drained>>,
    threads: Option<Threads>,
    _kill: DropGuard,
}

/// The threads of a server that has ended or is about to. Dropping it waits for them, though not for long: after
/// that no handler runs and no connection is open, except on a thread that is blocked.
#[derive(Debug)]
pub(crate) struct Threads(mpsc::Receiver<Infallible>);

impl Drop for Threads {
    fn drop(&mut self) {
        // Each holds a sender until it has dropped all that was left on it; nothing is ever sent.
        let _ = self.0.recv_timeout(LAST_WAIT);
    }
}

impl Acceptor {
    /// Starts the workers and begins to accept. Forced by `signal`.
    pub(crate) fn start(
        listening: Vec<Listening>,
        options: &EngineOptions,
        application: &impl Application,
        signal: ShutdownSignal,
        gauge: &Gauge,
        on_stall: OnStall,
    ) -> Result<Self, ThreadError> {
        let kill = CancellationToken::new();
        // Also ends the workers that did start when another doesn't.
        let guard = kill.clone().drop_guard();
        let (alive, threads) = mpsc::channel();
        let places_taken = Arc::<AtomicUsize>::default();
        let (caught_up, alarm) = (Arc::<Notify>::default(), Arc::<Alarm>::default());
        let worker_set = WorkerSet::default();
        let start = |number| {
            let shared = WorkerState::new(options.clone(), Arc::clone(&places_taken));
            let (kill, alive) = (kill.clone(), alive.clone());
            let tells = (Arc::clone(&caught_up), Arc::clone(&alarm));
            Worker::start(number, application.for_worker(), shared, worker_set.clone(), kill, alive, tells)
        };
        let workers = (0..options.worker_count()).map(start).collect::<Result<Vec<_>, ThreadError>>()?;
        let all: Vec<_> = workers.iter().map(|worker| Arc::clone(&worker.shared)).collect();
        let name = |worker: &Worker| (Name::from(worker.name.as_str()), Arc::clone(&worker.shared));
        let watched = workers.iter().map(name).collect();
        let stuck = Stuck { alarm, workers: watched, limit: options.stuck_after, report: on_stall };
        worker_set.set(all.clone());
        gauge.set(all);
        let (drain, ordered) = oneshot::channel();
        let (report, drained) = watch::channel(None);
        let way = ConnectionPath { protocol: options.protocol, entry: Entry::new(options), caught_up };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        let dispatch = dispatch::current();
        let thread = format!("{}-acceptor", options.thread_prefix);
        spawn_with("the acceptor", thread, runtime, move |runtime| {
            let _alive = alive;
            let _dispatch = dispatch::adopt(&dispatch);
            let run = conduct(listening, way, workers, ordered, signal, kill);
            let ended = runtime.block_on(async {
                tokio::select! {
                    ended = run => ended,
                    // It never ends.
                    () = stuck.watch() => Ok(()),
                }
            });
            drop(runtime);
            // The receiver may be gone.
            let _ = report.send(Some(ended));
        })?;
        Ok(Self { drain: Some(drain), drained, threads: Some(Threads(threads)), _kill: guard })
    }

    /// Keeps its threads for as long as the current one lives, whatever becomes of the actor that called this: when that thread ends,
    /// which the manager waits for, nothing of the server runs any more. Aborted, where another server takes its place.
    pub(crate) fn keep_threads(&mut self) -> AbortHandle {
        let threads = self.threads.take();
        let kept = tokio::spawn(async move {
            let _until_this_thread_ends = threads;
            pending::<()>().await;
        });
        kept.abort_handle()
    }

    /// Drains, and tells how many streams were ended in order. Resolves when all is over.
    pub(crate) fn shut_down<T: Fn(ServerNotice)>(
        &mut self,
        deadline: Option<Instant>,
        gauge: &Gauge,
        tell: T,
    ) -> impl Future<Output = Result<Drained, Lost>> + use<T> {
        self.drain(deadline);
        let (ended, gauge) = (self.ended(), gauge.clone());
        async move {
            let drained = ended.await?;
            match gauge.streams_ended() {
                0 => {}
                streams => tell(ServerNotice::StreamsEnded(streams)),
            }
            Ok(drained)
        }
    }

    /// Begins the drain. Again, it does nothing.
    fn drain(&mut self, deadline: Option<Instant>) {
        if let Some(drain) = self.drain.take() {
            // One that has ended needs no order.
            let _ = drain.send(deadline);
        }
    }

    /// Resolves when all is over.
    pub(crate) fn ended(&self) -> impl Future<Output = Result<Drained, Lost>> + use<> {
        let mut drained = self.drained.clone();
        async move {
            let ended = drained.wait_for(Option::is_some).await.map_err(|_| Lost)?;
            ended.clone().ok_or(Lost)
        }
    }
}

/// Accepts until the drain is ordered, then drains. Being killed ends either.
async fn conduct(
    listening: Vec<Listening>,
    way: ConnectionPath,
    mut workers: Vec<Worker>,
    ordered: oneshot::Receiver<Option<Instant>>,
    signal: ShutdownSignal,
    kill: CancellationToken,
) -> Drained {
    // Whatever happens here, no worker outlives it unless its thread is blocked.
    let _kill_in_the_end = kill.clone().drop_guard();
    let killed = async {
        tokio::select! {
            () = kill.cancelled() => {}
            () = signal.forced() => {}
        }
    };
    tokio::pin!(killed);
    let deadline = tokio::select! {
        () = &mut killed => return undrained(workers, true),
        ordered = ordered => match ordered {
            Ok(deadline) => deadline,
            Err(_) => return undrained(workers, true),
        },
        never = accept(listening, way, &workers) => match never {},
    };
    // The listeners are closed by now.
    let times = deadline.map(|deadline| Timetable::new(Instant::now(), deadline));
    for worker in &mut workers {
        worker.drain(times);
    }
    let all_over = async {
        for worker in &workers {
            worker.over().await;
        }
    };
    let forced = tokio::select! {
        biased;
        () = all_over => false,
        () = &mut killed => true,
        () = until(times.map(|times| times.give_up)) => false,
    };
    undrained(workers, forced)
}

/// The way of connections to the workers.
struct ConnectionPath {
    protocol: &'static str,
    entry: Entry,
    /// Notified when a worker that was passed over takes connections again.
    caught_up: Arc<Notify>,
}

/// Accepts connections for ever.
async fn accept(listening: Vec<Listening>, way: ConnectionPath, workers: &[Worker]) -> Infallible {
    let watched: io::Result<Vec<_>> = listening.into_iter().map(Listening::watch).collect();
    let mut listeners = match watched {
        Ok(listeners) => listeners,
        Err(error) => {
            tracing::error!(%error, "cannot watch the {} server's sockets: no connection will be accepted; raise the limits of the process and start it again", way.protocol);
            return pending().await;
        }
    };
    let ConnectionPath { protocol, mut entry, caught_up } = way;
    let mut dealer = Dealer::new(workers.iter().map(|worker| &*worker.intake));
    let mut listeners_turn = 0;
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            biased;
            // Connections that wait for a worker that is behind go to one that is not.
            () = caught_up.notified() => {
                dealer.look(Instant::now());
                continue;
            }
            () = until(dealer.due()) => {
                dealer.look(Instant::now());
                continue;
            }
            accepted = accept_any(&mut listeners, &mut listeners_turn), if dealer.is_open() => accepted,
        };
        match accepted.and_then(|stream| entry.admit(stream)) {
            // One too many; closed by now.
            Ok(None) => pause = FIRST_PAUSE,
            Ok(Some(accepted)) => {
                pause = FIRST_PAUSE;
                dealer.deal(accepted, Instant::now());
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept {protocol} connections; trying again in {pause:?}: is the limit of open files too low?");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Whether only that connection failed: its peer went before it was accepted.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    // `InvalidInput` is what some systems say to setting an option on a connection that has gone.
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput | NotConnected
    )
}

/// What did not end by itself, by worker. One that has not even called its calls off is blocked; one that has, or
/// that nobody waits for since the server is forced, closes its connections as soon as it is scheduled.
fn undrained(workers: Vec<Worker>, forced: bool) -> Drained {
    let mut left = Undrained::default();
    for worker in workers {
        let shared = &worker.shared;
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
        if worker.is_over() {
            left.connections += shared.held_on.load(Ordering::Relaxed);
            worker.join();
        } else if forced || shared.off.load(Ordering::Relaxed) {
            left.connections += carrying;
            left.cut += carrying.saturating_sub(shared.cut_with_calls.load(Ordering::Relaxed));
        } else {
            left.connections += carrying;
            left.blocked_workers.push(worker.name);
        }
    }
    if left.is_clean() { Ok(()) } else { Err(left) }
}
