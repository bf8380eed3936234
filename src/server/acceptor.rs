//! A running server, from outside.
//!
//! It accepts and drains on a thread of its manager's servers, so that neither a handler that blocks its worker nor a service that
//! shares the server's thread keeps connections waiting, or the drain from its deadline.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::base::ThreadError;
use crate::server::application::Application;
use crate::server::conduct::{Orders, WayIn, conduct};
use crate::server::crew::{Crew, Drained, LAST_WAIT, Recruiting};
use crate::server::error::Lost;
use crate::server::gauge::Gauge;
use crate::server::give_way::GiveWay;
use crate::server::listen::{Entry, Listening};
use crate::server::notice::ServerNotice;
use crate::server::options::EngineOptions;
use crate::server::worker::stuck::OnStall;
use crate::server::worker::workers::Workers;
use crate::service::ShutdownSignal;

/// A running server, from outside. Dropping it closes every connection at once.
#[derive(Debug)]
pub(crate) struct Acceptor {
    drain: Option<oneshot::Sender<Option<Instant>>>,
    drained: watch::Receiver<Option<Drained>>,
    remains: Option<Remains>,
    _kill: DropGuard,
}

/// What a server that has ended, or is about to, has on the workers. Dropping it waits for that to go, though not for long: after
/// that no handler of the server runs and no connection is open, except on a thread that is blocked.
#[derive(Debug)]
pub(crate) struct Remains(mpsc::Receiver<Infallible>);

impl Drop for Remains {
    fn drop(&mut self) {
        // Each part holds a sender until it is over; nothing is ever sent.
        let _ = self.0.recv_timeout(LAST_WAIT);
    }
}

/// What a server serves, and how.
pub(crate) struct Served<'a, A> {
    pub(crate) listening: Vec<Listening>,
    pub(crate) options: &'a EngineOptions,
    pub(crate) application: A,
    pub(crate) gauge: &'a Gauge,
    pub(crate) give_way: &'a GiveWay,
    pub(crate) on_stall: OnStall,
}

impl Acceptor {
    /// Begins to accept, on these workers, which are started where they are not there. Forced by `signal`.
    pub(crate) fn start(
        workers: &Workers,
        served: Served<'_, impl Application>,
        signal: ShutdownSignal,
    ) -> Result<Self, ThreadError> {
        let Served { listening, options, application, gauge, give_way, on_stall } = served;
        let joined = workers.join(options.worker_count())?;
        let kill = CancellationToken::new();
        let guard = kill.clone().drop_guard();
        let (alive, gone) = mpsc::channel();
        let recruiting = Recruiting {
            application,
            options: options.clone(),
            places_taken: Arc::default(),
            gauge: gauge.clone(),
            kill: kill.clone(),
            alive,
            caught_up: Arc::default(),
            worker_set: Default::default(),
            on_stall,
            watch: Arc::clone(&joined.watch),
        };
        // In paused time nobody waits: what is left goes on the thread that would.
        let remains = (!joined.one_thread).then(|| Remains(gone));
        let acceptor = joined.acceptor.clone();
        let mut crew = Crew::begin(joined, recruiting);
        let (drain, ordered) = oneshot::channel();
        let (report, drained) = watch::channel(None);
        let way = WayIn { listening, entry: Entry::new(options) };
        let orders = Orders { give_way: give_way.watch(), drain: ordered, signal, kill };
        acceptor.spawn(async move {
            let ended = conduct(way, &mut crew, orders).await;
            // The receiver may be gone.
            let _ = report.send(Some(ended));
            crew.leave().await;
        });
        Ok(Self { drain: Some(drain), drained, remains, _kill: guard })
    }

    /// Keeps its remains for as long as the current thread lives, whatever becomes of the actor that called this: when that thread ends,
    /// which the manager waits for, nothing of the server runs any more. Aborted, where another life takes its place.
    pub(crate) fn keep_remains(&mut self) -> AbortHandle {
        let remains = self.remains.take();
        let kept = tokio::spawn(async move {
            let _until_this_thread_ends = remains;
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
