//! A server of actix-web as a service.

use std::future::{pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix::{
    Actor, ActorFutureExt, Context, Handler, ResponseActFuture, ResponseFuture, Supervised, WrapFuture,
};
use majordomo::sockets::{BoundSockets, ServerSocket};
use majordomo::{BoxError, GenericService, Run, Service, ServiceSpec, Setup, Shutdown};
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use crate::activity::Activity;
use crate::conduct::{Drained, conduct};
use crate::error::ServeError;
use crate::factory::Start;
use crate::options::ActixWebOptions;

/// How long the service's thread waits in the end for those of the workers; longer takes only a blocked one.
const LAST_WAIT: Duration = Duration::from_millis(50);

/// The life that a server is in, for whoever asks what it carries.
type Current = Arc<Mutex<Option<Arc<Activity>>>>;

/// A factory on its way.
pub(crate) type Making = Pin<Box<dyn Future<Output = Result<Start, BoxError>>>>;

/// Makes the factory in set-up, anew in every life.
type Make = Box<dyn FnMut(Setup) -> Making + Send>;

/// A server of actix-web, by [`actix_web_service`](crate::actix_web_service). Set up it has its address, run it serves, shut down it
/// drains; dropped, it closes every connection at once. Restarted it has the same address again.
pub struct ActixWebServer {
    id: String,
    socket: ServerSocket,
    options: ActixWebOptions,
    make: Make,
    current: Current,
    ready: Option<(BoundSockets, Start)>,
    running: Option<Running>,
    /// Waits for the workers when the thread of the service ends. It outlasts the actor, though not its next life.
    threads: Option<AbortHandle>,
}

/// What a run is told, and what it tells.
struct Running {
    drain: oneshot::Sender<Option<Instant>>,
    drained: watch::Receiver<Option<Drained>>,
}

/// The worker threads of a server that has ended or is about to. Dropping it waits for them, though not for long.
struct Threads(Arc<Activity>);

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.workers.wait(LAST_WAIT);
    }
}

pub(crate) fn spec(
    id: String,
    address: String,
    options: ActixWebOptions,
    make: Make,
) -> ServiceSpec<ActixWebServer> {
    let (checked, current) = (options.clone(), Current::default());
    let reading = Arc::clone(&current);
    let carried = move || {
        let activity = reading.lock().unwrap_or_else(PoisonError::into_inner).clone();
        activity.map(|activity| activity.in_flight()).unwrap_or_default()
    };
    let socket = ServerSocket::new(address).check(move || checked.check()).in_flight(carried);
    let (its, name) = (socket.clone(), id.clone());
    let server = move || ActixWebServer {
        id: name,
        socket: its,
        options,
        make,
        current,
        ready: None,
        running: None,
        threads: None,
    };
    ServiceSpec::local(id, server).dedicated_thread().listens_at(&socket)
}

impl ActixWebServer {
    fn serve(&mut self, run: Run) -> Result<ResponseFuture<Result<(), BoxError>>, BoxError> {
        let (bound, start) = self.ready.take().ok_or(ServeError::NotSetUp)?;
        let mut sockets = bound.listen()?;
        let activity = Activity::new(self.socket.clone(), run.shutdown, self.options.stream_grace);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&activity));
        let server = start(sockets.take_listeners(), &activity, &self.options).map_err(ServeError::Start)?;
        let threads = Threads(Arc::clone(&activity));
        let kept = tokio::spawn(async move {
            let _until_this_thread_ends = threads;
            pending::<()>().await;
        });
        self.threads = Some(kept.abort_handle());
        let (drain, asked) = oneshot::channel();
        let (tell, drained) = watch::channel(None);
        self.running = Some(Running { drain, drained });
        Ok(Box::pin(async move {
            let drained = conduct(server, sockets, activity, asked).await?;
            // What did not drain is `Shutdown`'s to tell.
            tell.send_replace(Some(drained));
            Ok(())
        }))
    }
}

impl Actor for ActixWebServer {
    type Context = Context<Self>;
}

impl Supervised for ActixWebServer {
    fn restarting(&mut self, _: &mut Context<Self>) {
        (self.ready, self.running) = (None, None);
        if let Some(threads) = self.threads.take() {
            threads.abort();
        }
    }
}

impl Service for ActixWebServer {
    fn id(&self) -> String {
        self.id.clone()
    }
}

impl GenericService for ActixWebServer {}

impl Handler<Setup> for ActixWebServer {
    type Result = ResponseActFuture<Self, Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        let (socket, shutdown) = (self.socket.clone(), setup.shutdown.clone());
        let making = (self.make)(setup);
        let setting_up = async move {
            let bound = socket.bind(&shutdown).await?;
            let start = making.await.map_err(ServeError::Make)?;
            Ok::<_, BoxError>((bound, start))
        };
        Box::pin(setting_up.into_actor(self).map(|ready, server, _| {
            server.ready = Some(ready?);
            Ok(())
        }))
    }
}

impl Handler<Run> for ActixWebServer {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        self.serve(run).unwrap_or_else(|error| Box::pin(ready(Err(error))))
    }
}

impl Handler<Shutdown> for ActixWebServer {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, shutdown: Shutdown, _: &mut Context<Self>) -> Self::Result {
        let Some(Running { drain, mut drained }) = self.running.take() else {
            return Box::pin(ready(Ok(())));
        };
        // A run that is over needs no order.
        let _ = drain.send(shutdown.shutdown.deadline());
        Box::pin(async move {
            match drained.wait_for(Option::is_some).await {
                Ok(drained) => Ok(drained.clone().unwrap_or(Ok(()))?),
                // The run has failed, which it tells itself.
                Err(_) => Ok(()),
            }
        })
    }
}
