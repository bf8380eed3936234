//! An HTTP server as a service.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::{
    Actor, ActorFutureExt, Context, Handler, ResponseActFuture, ResponseFuture, Supervised, WrapFuture,
};
use tokio::task::AbortHandle;

use crate::base::BoxError;
use crate::events::Name;
use crate::http::application::HttpApplication;
use crate::http::definition::HttpDefinition;
use crate::http::error::{HttpDrainError, HttpServerError};
use crate::http::handler::{Handler as RequestHandler, MakeHandler};
use crate::http::shared::Shared;
use crate::metrics::RequestMeter;
use crate::server::acceptor::{Acceptor, Served};
use crate::server::definition::ServerDefinition;
use crate::server::error::ListenError;
use crate::server::listen::{Bound, GrpcAddress, Listening, ServerAddress, bind};
use crate::server::notice::ServerNotice;
#[cfg(feature = "tls")]
use crate::service::{CommitReload, PrepareReload};
use crate::service::{GenericService, Run, Service, Setup, Shutdown};

/// An HTTP server, by [`http_service`](crate::http_service). Set up it has its address, run it serves, shut down it drains; dropped, it closes
/// every connection at once. Restarted it has the same address again.
pub struct HttpServer {
    id: Name,
    definition: Arc<HttpDefinition>,
    make: MakeHandler,
    /// Where it was bound first, so that a life later clients find it there.
    address: Option<ServerAddress>,
    ready: Option<Ready>,
    acceptor: Option<Acceptor>,
    /// Resolves when its last life listens no more.
    last_life: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// What it has on the workers: that outlasts the actor, though not its next life.
    remains: Option<AbortHandle>,
    /// Tells of a certificate that ends. It ends with the server.
    #[cfg(feature = "tls")]
    validity: Option<tokio_util::task::AbortOnDropHandle<()>>,
    #[cfg(feature = "tls")]
    prepared: crate::server::tls::PreparedTls,
}

/// What is there after a set-up.
struct Ready {
    at: Vec<GrpcAddress>,
    sockets: Sockets,
    handler: Box<dyn RequestHandler>,
}

/// Its sockets: connections are refused, or wait.
enum Sockets {
    Bound(Vec<Bound>),
    Listening(Vec<Listening>),
}

impl Sockets {
    fn listen(self) -> Result<Vec<Listening>, ListenError> {
        match self {
            Self::Bound(bound) => bound.into_iter().map(Bound::listen).collect(),
            Self::Listening(listening) => Ok(listening),
        }
    }
}

impl HttpServer {
    pub(crate) fn new(id: Name, definition: Arc<HttpDefinition>, make: MakeHandler) -> Self {
        Self {
            id,
            definition,
            make,
            address: None,
            ready: None,
            acceptor: None,
            last_life: None,
            remains: None,
            #[cfg(feature = "tls")]
            validity: None,
            #[cfg(feature = "tls")]
            prepared: crate::server::tls::PreparedTls::default(),
        }
    }

    pub(crate) fn with_definition(self, definition: Arc<HttpDefinition>) -> Self {
        Self { definition, ..self }
    }

    fn serve(&mut self, run: Run) -> Result<&Acceptor, HttpServerError> {
        let Ready { at, sockets, handler } = self.ready.take().ok_or(HttpServerError::NotSetUp)?;
        let listening = sockets.listen()?;
        let options = &self.definition.options;
        let shared = Arc::new(Shared {
            service: Arc::clone(&self.id),
            shutdown: run.shutdown.clone(),
            max_body_size: options.max_body_size,
            body_timeout: options.body_timeout,
            closing: Arc::clone(&self.definition.closing),
            on_request_end: options.on_request_end.clone(),
            meter: self.definition.meter(),
            requests: RequestMeter::default(),
        });
        let application = HttpApplication::new(handler, options.clone(), shared);
        let definition = Arc::clone(&self.definition);
        let on_stall = Arc::new(move |stall| definition.notify(ServerNotice::Stall(stall)));
        let HttpDefinition { gauge, give_way, .. } = &*self.definition;
        let options = &options.engine;
        let workers = self.definition.workers().ok_or(HttpServerError::NotSetUp)?;
        let served = Served { listening, options, application, gauge, give_way, on_stall };
        let mut acceptor = Acceptor::start(workers, served, run.shutdown)
            .map_err(|error| HttpServerError::Thread(error.into_parts().1))?;
        self.remains = Some(acceptor.keep_remains());
        self.definition.notify(ServerNotice::Serving(at));
        Ok(self.acceptor.insert(acceptor))
    }

    /// Where to listen: where it did before, if it did.
    fn place(&mut self) -> Result<ServerAddress, BoxError> {
        match &self.address {
            Some(address) => Ok(address.clone()),
            None => Ok(self.definition.address()?),
        }
    }
}

impl Actor for HttpServer {
    type Context = Context<Self>;
}

impl Supervised for HttpServer {
    fn restarting(&mut self, _: &mut Context<Self>) {
        // A set-up that is tried again still refuses until all run.
        if let Some(acceptor) = self.acceptor.take() {
            self.definition.listen_early();
            let ended = acceptor.ended();
            self.last_life = Some(Box::pin(async { drop(ended.await) }));
        }
        if let Some(remains) = self.remains.take() {
            remains.abort();
        }
        self.definition.closing.store(false, Ordering::Relaxed);
    }
}

impl Service for HttpServer {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

impl GenericService for HttpServer {}

impl Handler<Setup> for HttpServer {
    type Result = ResponseActFuture<Self, Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.definition.options.engine.tls.clone()
            && !setup.resources.share_one_thread()
        {
            let watching = tokio::spawn(crate::server::tls::watch_validity(tls, std::time::SystemTime::now));
            self.validity = Some(tokio_util::task::AbortOnDropHandle::new(watching));
        }
        let address = match self.place() {
            Ok(address) => address,
            Err(error) => return Box::pin(ready(Err(error)).into_actor(self)),
        };
        let shutdown = setup.shutdown.clone();
        let making = (self.make)(setup);
        let last_life = self.last_life.take();
        let setting_up = async move {
            if let Some(ended) = last_life {
                ended.await;
            }
            let bound = bind(&[address], &shutdown).await.map_err(HttpServerError::from)?;
            let handler = making.await.map_err(HttpServerError::Make)?;
            Ok::<_, BoxError>((bound, handler))
        };
        Box::pin(setting_up.into_actor(self).map(|ready, server, _| {
            let (bound, handler) = ready?;
            let at: Vec<GrpcAddress> = bound.iter().map(|bound| bound.address().clone()).collect();
            if let Some(again) = bound.first().and_then(Bound::again) {
                server.address = Some(again);
            }
            let mut sockets = Sockets::Bound(bound);
            if server.definition.listens_early.load(Ordering::Relaxed) {
                sockets = Sockets::Listening(sockets.listen().map_err(HttpServerError::from)?);
            }
            server.ready = Some(Ready { at, sockets, handler });
            Ok(())
        }))
    }
}

impl Handler<Run> for HttpServer {
    type Result = ResponseFuture<Result<(), BoxError>>;

    /// What did not drain is `Shutdown`'s to tell.
    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        match self.serve(run) {
            Ok(acceptor) => {
                let ended = acceptor.ended();
                Box::pin(async move {
                    let _drained = ended.await.map_err(HttpServerError::from)?;
                    Ok(())
                })
            }
            Err(error) => Box::pin(ready(Err(error.into()))),
        }
    }
}

impl Handler<Shutdown> for HttpServer {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, shutdown: Shutdown, _: &mut Context<Self>) -> Self::Result {
        let Some(acceptor) = &mut self.acceptor else { return Box::pin(ready(Ok(()))) };
        self.definition.begin_closing();
        let definition = Arc::clone(&self.definition);
        let tell = move |notice| definition.notify(notice);
        let drained = acceptor.shut_down(shutdown.shutdown.deadline(), &self.definition.gauge, tell);
        Box::pin(
            async move { Ok(drained.await.map_err(HttpServerError::from)?.map_err(HttpDrainError::from)?) },
        )
    }
}

/// A reload has it read its certificates again.
#[cfg(feature = "tls")]
impl Handler<PrepareReload> for HttpServer {
    type Result = ResponseActFuture<Self, Result<(), BoxError>>;

    fn handle(&mut self, _: PrepareReload, _: &mut Context<Self>) -> Self::Result {
        crate::server::tls::prepare_reload(self, self.definition.options.engine.tls.clone(), |server| {
            &mut server.prepared
        })
    }
}

#[cfg(feature = "tls")]
impl Handler<CommitReload> for HttpServer {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: CommitReload, _: &mut Context<Self>) -> Self::Result {
        self.prepared.commit();
        Ok(())
    }
}
