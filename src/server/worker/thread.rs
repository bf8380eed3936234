//! A worker: a thread with a single-threaded runtime, on which connections and their calls are served.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc as blocking};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::base::{ThreadError, spawn_with};
use crate::server::application::Application;
use crate::server::drain::{Timetable, until};
use crate::server::listen::Accepted;
use crate::server::state::WorkerState;
use crate::server::worker::accept_task::ConnectionStarter;
use crate::server::worker::intake::Intake;
use crate::server::worker::stream_executor::WorkerSet;
use crate::server::worker::stuck::Alarm;
use crate::supervision::{dispatch, panics};

/// A worker, from outside.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) shared: Arc<WorkerState>,
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
        application: impl Application,
        shared: WorkerState,
        worker_set: WorkerSet,
        kill: CancellationToken,
        alive: blocking::Sender<Infallible>,
        (caught_up, alarm): (Arc<Notify>, Arc<Alarm>),
    ) -> Result<Self, ThreadError> {
        let name = format!("{}-worker-{number}", shared.options.thread_prefix);
        let (parks, unparks) = (Arc::clone(&shared.parked), Arc::clone(&shared.parked));
        let shared = Arc::new(shared.of_worker(number, kill.clone()));
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
        let work = work(Arc::clone(&intake), ordered, application, Arc::clone(&shared), worker_set);
        let guard = over.clone().drop_guard();
        let dispatch = dispatch::current();
        let thread = spawn_with("a worker", name.clone(), runtime, move |runtime| {
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
    application: impl Application,
    shared: Arc<WorkerState>,
    worker_set: WorkerSet,
) {
    let tasks = &shared.tasks;
    let host = ConnectionStarter::new(application, Arc::clone(&shared), worker_set);
    let times = loop {
        tokio::select! {
            biased;
            accepted = connections.next() => host.begin(accepted),
            ordered = &mut ordered => match ordered {
                Ok(times) => break times,
                // The server is gone, and with it all orders.
                Err(_) => return shared.killed.cancel(),
            },
        }
    };
    shared.drain(times);
    tasks.close();
    let streams = shared.options.stream_grace.map(|grace| Instant::now() + grace);
    tokio::select! {
        () = tasks.wait() => return,
        () = until(streams) => shared.end_streams(),
        () = until(times.map(|times| times.call_off)) => {}
    }
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
