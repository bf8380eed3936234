//! What one server has on one worker: connections that wait to be taken, those that are served, and their drain.
//!
//! ```text
//!   serving --drain--> draining --nothing is left--> over
//!      |  the server gives way: connections are told to go away; it may be drained later
//!      |  another takes the worker's place: no more connections, the same end
//!      +--+--forced, or dropped--> its connections and calls are dropped --the thread has seen to that--> over
//! ```
//!
//! It touches nothing that other servers have there. Where it has nothing on the worker it is over without the worker's help: so a
//! handler of another server that blocks the thread does not hold up its end.

use std::convert::Infallible;
use std::sync::{Arc, mpsc};

use tokio::sync::{Notify, oneshot};

use crate::base::clock;
use crate::server::application::Application;
use crate::server::drain::{Timetable, until};
use crate::server::listen::Accepted;
use crate::server::state::WorkerState;
use crate::server::worker::accept_task::ConnectionStarter;
use crate::server::worker::intake::Intake;
use crate::server::worker::stream_executor::WorkerSet;

/// What a server has on a worker, from outside.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) shared: Arc<WorkerState>,
    pub(crate) intake: Arc<Intake<Accepted>>,
    drain: Option<oneshot::Sender<Option<Timetable>>>,
}

impl Part {
    /// Begins to serve there. It lets go of `alive` when it is over.
    pub(crate) fn begin(
        application: impl Application,
        shared: Arc<WorkerState>,
        worker_set: WorkerSet,
        caught_up: Arc<Notify>,
        alive: mpsc::Sender<Infallible>,
    ) -> Self {
        let intake = Arc::new(Intake::new(caught_up, shared.tasks.clone()));
        let (drain, ordered) = oneshot::channel();
        let (connections, its_shared) = (Arc::clone(&intake), Arc::clone(&shared));
        shared.thread.serve(async move {
            let _alive = alive;
            let shared = its_shared;
            let starter = ConnectionStarter::new(application, Arc::clone(&shared), worker_set);
            tokio::select! {
                biased;
                () = shared.killed.cancelled() => {}
                () = serve(&connections, ordered, starter, &shared) => {}
            }
            // What was upgraded hears of nothing else.
            shared.streams_off.cancel();
            connections.drop_all();
            shared.tasks.close();
            shared.tasks.wait().await;
        });
        Self { shared, intake, drain: Some(drain) }
    }

    /// Begins the drain: nothing is dealt to it any more.
    pub(crate) fn drain(&mut self, times: Option<Timetable>) {
        if let Some(drain) = self.drain.take() {
            // One that has ended needs no order.
            let _ = drain.send(times);
        }
        self.shared.tasks.close();
    }

    /// Resolves when nothing is left there.
    pub(crate) async fn over(&self) {
        self.shared.tasks.wait().await;
    }

    /// Whether a handler of it blocks the worker.
    pub(crate) fn is_blocked_by(&self, numbers: &[usize]) -> bool {
        let current = self.shared.thread.poll.current();
        !self.shared.is_over() && current.is_some_and(|(_, part, _)| numbers.contains(&part))
    }
}

/// Serves connections until the drain has come to its end.
async fn serve(
    connections: &Intake<Accepted>,
    mut ordered: oneshot::Receiver<Option<Timetable>>,
    mut starter: ConnectionStarter<impl Application>,
    shared: &WorkerState,
) {
    let tasks = &shared.tasks;
    let times = loop {
        tokio::select! {
            biased;
            (accepted, _token) = connections.next() => starter.begin(accepted),
            ordered = &mut ordered => match ordered {
                Ok(times) => break times,
                // The server is gone, and with it all orders.
                Err(_) => return shared.killed.cancel(),
            },
            () = starter.forget() => {}
            // Closed once another has taken the worker's place, or the server has given way.
            () = tasks.wait() => return,
        }
    };
    shared.drain(times);
    let streams = shared.options.stream_grace.map(|grace| clock::now() + grace);
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
