//! The server as a service.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::{Actor, ActorFutureExt, Context, Handler, ResponseActFuture, ResponseFuture, WrapFuture};

use tonic_reflection::pb::{v1, v1alpha};

use crate::base::BoxError;
use crate::events::{EventSender, LifecycleEvent};
use crate::grpc::application::GrpcApplication;
use crate::grpc::builtin::health::{self, HealthServer, HealthService};
use crate::grpc::builtin::ids::SERVER_ID;
use crate::grpc::builtin::reflection::{self, Reflection};
use crate::grpc::drain_error::DrainError;
use crate::grpc::error::ServerError;
use crate::grpc::logging::Logger;
use crate::grpc::options::GrpcServerOptions;
use crate::grpc::port::PortApplication;
use crate::grpc::register::registrar::GrpcRegistrar;
use crate::http::HttpApplication;
use crate::metrics::Meter;
use crate::server::acceptor::{Acceptor, Served};
use crate::server::gauge::Gauge;
use crate::server::give_way::GiveWay;
use crate::server::listen::{Bound, ServerAddress, bind};
use crate::server::notice::{OnNotice, ServerNotice};
use crate::server::worker::workers::Workers;
#[cfg(feature = "tls")]
use crate::service::{CommitReload, PrepareReload};
use crate::service::{GenericService, Run, Service, Setup, Shutdown, ShutdownSignal};

/// The gRPC server. Set up it has its addresses, run it serves, shut down it drains; dropped, it closes every
/// connection at once.
pub(crate) struct Server {
    addresses: Vec<ServerAddress>,
    options: GrpcServerOptions,
    registrar: GrpcRegistrar,
    gauge: Gauge,
    give_way: GiveWay,
    on_notice: OnNotice,
    workers: Workers,
    meter: Meter,
    /// Whether clients of HTTP/1.1 are told to come back by another connection.
    closing: Arc<AtomicBool>,
    bound: Option<Vec<Bound>>,
    acceptor: Option<Acceptor>,
    health: Option<HealthService>,
    reflection: Option<Reflection>,
    /// Tells of a certificate that ends. It ends with the server.
    #[cfg(feature = "tls")]
    validity: Option<tokio_util::task::AbortOnDropHandle<()>>,
    #[cfg(feature = "tls")]
    prepared: crate::server::tls::PreparedTls,
}

impl Server {
    /// A server of what is registered by the time it runs. `on_notice` is told where, on the actor's
    /// thread, as soon as connecting succeeds.
    pub(crate) fn new(
        addresses: Vec<ServerAddress>,
        options: GrpcServerOptions,
        registrar: GrpcRegistrar,
        gauge: Gauge,
        on_notice: OnNotice,
        workers: Workers,
        meter: Meter,
    ) -> Self {
        let health = options.tells_health().then(HealthService::new);
        if let Some(health) = &health {
            registrar.add_built_in(HealthServer::new(health.clone()));
            registrar.add_file_descriptor_set(health::FILE_DESCRIPTOR_SET);
        }
        let reflection = options.reflects().then(Reflection::default);
        if let Some(reflection) = &reflection {
            registrar.add_built_in(reflection::V1::new(reflection.clone()));
            registrar.add_built_in(reflection::V1Alpha::new(reflection.clone()));
            registrar.add_file_descriptor_set(v1::FILE_DESCRIPTOR_SET);
            registrar.add_file_descriptor_set(v1alpha::FILE_DESCRIPTOR_SET);
        }
        let give_way = GiveWay::default();
        give_way.connect(Arc::clone(&on_notice));
        Self {
            addresses,
            options,
            registrar,
            gauge,
            give_way,
            on_notice,
            workers,
            meter,
            closing: Arc::default(),
            bound: None,
            acceptor: None,
            health,
            reflection,
            #[cfg(feature = "tls")]
            validity: None,
            #[cfg(feature = "tls")]
            prepared: crate::server::tls::PreparedTls::default(),
        }
    }

    /// Has it give way to a successor, and resume.
    pub(crate) fn give_way(&self) -> GiveWay {
        self.give_way.clone()
    }

    /// Whether a reload may change its certificates.
    #[cfg(feature = "tls")]
    pub(crate) fn has_tls_files(&self) -> bool {
        self.options.engine.tls.as_ref().is_some_and(|tls| tls.has_files())
    }

    /// Who is to be told of every event before anybody else is, so that health, and the availability of services that restart, are
    /// never behind.
    pub(crate) fn observer(&self) -> EventSender {
        let (health, availability) = (self.health.clone(), self.registrar.availability().clone());
        let closing = Arc::clone(&self.closing);
        EventSender::calling(move |event| {
            availability.observe(event);
            if matches!(event, LifecycleEvent::ShutdownRequested { .. }) {
                closing.store(true, Ordering::Relaxed);
            }
            if let Some(health) = &health {
                health.observe(event);
            }
        })
    }

    fn serve(&mut self, run: Run) -> Result<&Acceptor, ServerError> {
        let bound = self.bound.take().ok_or(ServerError::NotSetUp)?;
        let at = bound.iter().map(|bound| bound.address().clone()).collect();
        let listening = bound.into_iter().map(Bound::listen).collect::<Result<Vec<_>, _>>()?;
        let router = self.registrar.close();
        if let Some(health) = &self.health {
            health.serve(self.registrar.owners());
        }
        if let Some(reflection) = &self.reflection {
            let services = self.registrar.owners().into_keys().collect();
            reflection.serve(services, self.registrar.descriptor_sets());
        }
        let tell = Arc::clone(&self.on_notice);
        let on_stall = Arc::new(move |stall| tell(ServerNotice::Stall(stall)));
        let logger = Logger::new(self.options.parts.logging(), || self.registrar.descriptor_sets());
        let application = GrpcApplication::new(router, &self.options, logger, self.meter.clone());
        let (options, gauge, give_way) = (&self.options.engine, &self.gauge, &self.give_way);
        let started = if self.options.speaks_more() {
            let fallback = self.fallback(&run.shutdown);
            let application =
                PortApplication::new(application, fallback, self.options.grpc_web, &self.closing);
            let served = Served { listening, options, application, gauge, give_way, on_stall };
            Acceptor::start(&self.workers, served, run.shutdown)
        } else {
            let served = Served { listening, options, application, gauge, give_way, on_stall };
            Acceptor::start(&self.workers, served, run.shutdown)
        };
        let mut acceptor = started.map_err(|error| ServerError::Thread(error.into_parts().1))?;
        acceptor.keep_remains();
        (self.on_notice)(ServerNotice::Serving(at));
        Ok(self.acceptor.insert(acceptor))
    }
}

impl Server {
    /// What answers that is not gRPC.
    fn fallback(&self, shutdown: &ShutdownSignal) -> Option<HttpApplication> {
        let fallback = self.options.parts.http_fallback.as_ref()?;
        let options = self.options.fallback_options();
        Some(fallback.application(SERVER_ID.into(), &options, shutdown.clone(), &self.closing, &self.meter))
    }
}

impl Actor for Server {
    type Context = Context<Self>;
}

impl Service for Server {
    fn id(&self) -> String {
        SERVER_ID.to_owned()
    }
}

impl GenericService for Server {}

impl Handler<Setup> for Server {
    type Result = ResponseActFuture<Self, Result<(), BoxError>>;

    fn handle(&mut self, setup: Setup, _: &mut Context<Self>) -> Self::Result {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.options.engine.tls.clone()
            && !setup.resources.share_one_thread()
        {
            let watching = tokio::spawn(crate::server::tls::watch_validity(tls, std::time::SystemTime::now));
            self.validity = Some(tokio_util::task::AbortOnDropHandle::new(watching));
        }
        let addresses = self.addresses.clone();
        let binding = async move { bind(&addresses, &setup.shutdown).await };
        Box::pin(binding.into_actor(self).map(|bound, server, _| {
            server.bound = Some(bound.map_err(ServerError::from)?);
            Ok(())
        }))
    }
}

impl Handler<Run> for Server {
    type Result = ResponseFuture<Result<(), BoxError>>;

    /// What did not drain is `Shutdown`'s to tell.
    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        match self.serve(run) {
            Ok(acceptor) => {
                let ended = acceptor.ended();
                Box::pin(async move {
                    let _drained = ended.await.map_err(ServerError::from)?;
                    Ok(())
                })
            }
            Err(error) => Box::pin(ready(Err(error.into()))),
        }
    }
}

impl Handler<Shutdown> for Server {
    type Result = ResponseFuture<Result<(), BoxError>>;

    fn handle(&mut self, shutdown: Shutdown, _: &mut Context<Self>) -> Self::Result {
        if let Some(reflection) = &self.reflection {
            reflection.drain();
        }
        let Some(acceptor) = &mut self.acceptor else { return Box::pin(ready(Ok(()))) };
        let tell = Arc::clone(&self.on_notice);
        let drained =
            acceptor.shut_down(shutdown.shutdown.deadline(), &self.gauge, move |notice| tell(notice));
        Box::pin(async move { Ok(drained.await.map_err(ServerError::from)?.map_err(DrainError::from)?) })
    }
}

/// A reload has it read its certificates again.
#[cfg(feature = "tls")]
impl Handler<PrepareReload> for Server {
    type Result = ResponseActFuture<Self, Result<(), BoxError>>;

    fn handle(&mut self, _: PrepareReload, _: &mut Context<Self>) -> Self::Result {
        crate::server::tls::prepare_reload(self, self.options.engine.tls.clone(), |server| {
            &mut server.prepared
        })
    }
}

#[cfg(feature = "tls")]
impl Handler<CommitReload> for Server {
    type Result = Result<(), BoxError>;

    fn handle(&mut self, _: CommitReload, _: &mut Context<Self>) -> Self::Result {
        self.prepared.commit();
        Ok(())
    }
}
