//! Where hyper has the streams of a connection run: on the worker of the connection, unless that is behind.
//!
//! A call ends itself at its deadline, but only where HTTP/2 asks it for more: one whose peer does not read is
//! not asked. Such a stream is reset from here, [`SLACK`] later, which drops its handler.
//!
//! # An order that hyper does not document
//! hyper hands over a request, then at once the stream of its answer: on one thread, with nothing in between. The executor
//! relies on that order for [`StreamHints`]. They cannot ride on the stream itself: hyper's type of it is closed, and its
//! service's future is a private field. Nor can they wait for the first poll: a call that is only polled where its worker
//! is behind would be handed over after the wait that handing over is to spare it. A test here fails when hyper changes the
//! order. Were it changed in spite of that, a stream would be run by the hints of another: later reset, or on another worker.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::server::application::StreamHints;
use crate::server::state::WorkerState;
use crate::server::worker::balance::elsewhere;

/// How much later than its deadline: whatever can be answered has been by then.
const SLACK: Duration = Duration::from_millis(20);

thread_local! {
    /// Of the request that the worker was handed last.
    static LATEST: Cell<StreamHints> = const { Cell::new(StreamHints { deadline: None, cost: None }) };
}

/// What one server has on all workers that it uses.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerSet(Arc<RwLock<Vec<Arc<WorkerState>>>>);

impl WorkerSet {
    pub(crate) fn set(&self, workers: Vec<Arc<WorkerState>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = workers;
    }

    /// Who is to handle a heavy call in the place of `home`, if another is.
    fn elsewhere(&self, home: &Arc<WorkerState>) -> Option<Arc<WorkerState>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let others =
            all.iter().filter(|worker| !Arc::ptr_eq(worker, home)).filter(|worker| worker.thread.is_free());
        let backlogs = others.clone().map(|worker| worker.thread.backlog.get());
        let at = elsewhere(home.thread.backlog.get(), backlogs)?;
        others.clone().nth(at).cloned()
    }
}

/// Runs streams. HTTP/2 has a clone of it for each, so cloning touches nothing that other workers do.
#[derive(Clone)]
pub(crate) struct StreamExecutor(Arc<Place>);

/// Whose streams they are.
struct Place {
    home: Arc<WorkerState>,
    worker_set: WorkerSet,
}

impl StreamExecutor {
    /// For the connections of one worker among several.
    pub(crate) fn new(home: Arc<WorkerState>, worker_set: WorkerSet) -> Self {
        Self(Arc::new(Place { home, worker_set }))
    }

    /// What the next stream is run by: hyper runs a stream right after it has handed over its request.
    pub(crate) fn announce(hints: StreamHints) {
        let deadline = hints.deadline.and_then(|deadline| deadline.checked_add(SLACK));
        LATEST.set(StreamHints { deadline, ..hints });
    }

    /// Runs a stream that keeps its thread busy for a while.
    fn run_heavy<F>(&self, stream: F, cost: u64)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Place { home, worker_set } = &*self.0;
        let Some(other) = worker_set.elsewhere(home) else {
            drop(home.tasks.spawn(counted(stream, cost, Arc::clone(home))));
            return;
        };
        // A server that drains or gives way waits for every token, and hands over no more.
        let token = other.tasks.token();
        match other.thread.runtime.get() {
            Some(runtime) if !other.going_away.is_cancelled() => {
                let guest = counted(stream, cost, Arc::clone(&other));
                drop(runtime.spawn(async move {
                    let _token = token;
                    guest.await;
                }));
            }
            _ => drop(home.tasks.spawn(counted(stream, cost, Arc::clone(home)))),
        }
    }
}

impl<F> hyper::rt::Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        match LATEST.take() {
            StreamHints { deadline: None, cost: None } => drop(self.0.home.tasks.spawn(stream)),
            StreamHints { deadline: Some(at), cost: None } => {
                drop(self.0.home.tasks.spawn(cut_at(at, stream)));
            }
            StreamHints { deadline: None, cost: Some(cost) } => self.run_heavy(stream, cost),
            StreamHints { deadline: Some(at), cost: Some(cost) } => self.run_heavy(cut_at(at, stream), cost),
        }
    }
}

impl fmt::Debug for StreamExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamExecutor").finish_non_exhaustive()
    }
}

async fn cut_at(at: Instant, stream: impl Future<Output = ()>) {
    tokio::select! {
        // First, so that a call that is answered at once needs no timer.
        biased;
        () = stream => {}
        () = sleep_until(at) => {}
    }
}

/// The stream, which is part of the worker's backlog until it has been polled.
fn counted<F>(stream: F, cost: u64, worker: Arc<WorkerState>) -> impl Future<Output = ()> + Send
where
    F: Future<Output = ()> + Send,
{
    let mut waiting = Some(Waiting::new(cost, worker));
    async move {
        let mut stream = pin!(stream);
        poll_fn(|cx| {
            let polled = stream.as_mut().poll(cx);
            waiting.take();
            polled
        })
        .await;
    }
}

/// A call's part of a backlog.
struct Waiting {
    cost: u64,
    worker: Arc<WorkerState>,
}

impl Waiting {
    fn new(cost: u64, worker: Arc<WorkerState>) -> Self {
        worker.thread.backlog.add(cost);
        Self { cost, worker }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.worker.thread.backlog.remove(self.cost);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Mutex;

    use http::{Request, Response};
    use hyper::body::Incoming;
    use hyper::server::conn::http2;
    use hyper_util::rt::TokioIo;

    use super::*;

    type Log = Arc<Mutex<Vec<&'static str>>>;

    /// An executor that writes down when it is given a stream.
    #[derive(Clone)]
    struct Recorder(Log);

    impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Recorder {
        fn execute(&self, stream: F) {
            self.0.lock().unwrap().push("stream");
            tokio::spawn(stream);
        }
    }

    #[tokio::test]
    async fn hyper_runs_each_stream_right_after_it_has_handed_over_its_request() {
        let log = Log::default();
        let (near, far) = tokio::io::duplex(1 << 16);
        let requests = Arc::clone(&log);
        let service = hyper::service::service_fn(move |_: Request<Incoming>| {
            requests.lock().unwrap().push("request");
            std::future::ready(Ok::<_, Infallible>(Response::new(String::new())))
        });
        let http = http2::Builder::new(Recorder(Arc::clone(&log)));
        let served = tokio::spawn(http.serve_connection(TokioIo::new(far), service));
        let (mut sender, connection) = h2::client::handshake(near).await.unwrap();
        let driven = tokio::spawn(connection);
        let mut answers = Vec::new();
        for _ in 0..8 {
            sender = sender.ready().await.unwrap();
            let request = Request::get("http://test/").body(()).unwrap();
            answers.push(sender.send_request(request, true).unwrap().0);
        }
        for answer in answers {
            answer.await.unwrap();
        }
        drop(sender);
        driven.await.unwrap().unwrap();
        served.await.unwrap().unwrap();
        assert_eq!(*log.lock().unwrap(), ["request", "stream"].repeat(8));
    }
}
