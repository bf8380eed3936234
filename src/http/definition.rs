//! What a manager knows of an HTTP server before it runs, and what the server tells it.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::events::{InFlight, Name};
use crate::http::options::HttpServerOptions;
use crate::metrics::Meter;
#[cfg(feature = "prometheus")]
use crate::metrics::ReadLoad;
use crate::report::ConfigError;
use crate::server::definition::{ServerDefinition, named, parse_address};
use crate::server::gauge::Gauge;
use crate::server::give_way::GiveWay;
use crate::server::listen::{InMemory, ServerAddress};
use crate::server::notice::{OnNotice, ServerNotice};
use crate::server::worker::workers::Workers;

/// What a manager knows of an HTTP server, and shares with it.
pub(crate) struct HttpDefinition {
    address: String,
    pub(crate) options: HttpServerOptions,
    /// Whether clients are told to come back by another connection.
    pub(crate) closing: Arc<AtomicBool>,
    pub(crate) gauge: Gauge,
    pub(crate) give_way: GiveWay,
    /// Whether it is to listen from its set-up on: all others run.
    pub(crate) listens_early: AtomicBool,
    /// Where it is served in memory, in place of its address.
    in_memory: OnceLock<InMemory>,
    /// Known once its manager has begun.
    manager: OnceLock<(OnNotice, Workers, Meter)>,
}

impl HttpDefinition {
    pub(crate) fn new(address: String, options: HttpServerOptions) -> Self {
        let (closing, gauge, give_way, listens_early, manager) = Default::default();
        let in_memory = options.in_memory.clone().map_or_else(OnceLock::new, OnceLock::from);
        Self { address, options, closing, gauge, give_way, listens_early, in_memory, manager }
    }

    /// The same with other options.
    pub(crate) fn with_options(&self, options: HttpServerOptions) -> Self {
        Self::new(self.address.clone(), options)
    }

    /// The workers of its manager.
    pub(crate) fn workers(&self) -> Option<&Workers> {
        self.manager.get().map(|(_, workers, _)| workers)
    }

    /// What its requests are counted by.
    pub(crate) fn meter(&self) -> Meter {
        self.manager.get().map_or_else(Meter::default, |(_, _, meter)| meter.clone())
    }

    pub(crate) fn notify(&self, notice: ServerNotice) {
        if let Some((on_notice, _, _)) = self.manager.get() {
            on_notice(notice);
        }
    }
}

impl ServerDefinition for HttpDefinition {
    fn address(&self) -> Result<ServerAddress, ConfigError> {
        match self.in_memory.get() {
            Some(memory) => Ok(ServerAddress::in_memory(memory)),
            None => parse_address(&self.address),
        }
    }

    fn check(&self, service: &Name) -> Result<(), ConfigError> {
        self.options.validate().map_err(|error| named(service, error))?;
        self.address().map_err(|error| named(service, error))?;
        Ok(())
    }

    fn connect(&self, on_notice: OnNotice, workers: &Workers, meter: &Meter) {
        self.give_way.connect(Arc::clone(&on_notice));
        // A manager starts once.
        let _ = self.manager.set((on_notice, workers.clone(), meter.clone()));
    }

    #[cfg(feature = "prometheus")]
    fn load(&self) -> Option<ReadLoad> {
        let gauge = self.gauge.clone();
        Some(Arc::new(move || gauge.load()))
    }

    #[cfg(feature = "testing")]
    fn or_in_memory(&self) {
        self.in_memory.get_or_init(InMemory::new);
    }

    fn mend_in_paused_time(&self) -> &'static str {
        "give it a place in memory, by HttpServerOptions::in_memory"
    }

    fn in_flight(&self) -> Option<InFlight> {
        self.gauge.in_flight()
    }

    fn listen_early(&self) {
        self.listens_early.store(true, Ordering::Relaxed);
    }

    fn begin_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    fn give_way(&self) {
        self.give_way.give_way();
    }

    fn resume(&self) {
        self.give_way.resume();
    }
}

/// The definition of an HTTP server, where it is one.
pub(crate) fn definition_of(
    server: Arc<dyn Any + Send + Sync>,
) -> Result<Arc<dyn ServerDefinition>, Arc<dyn Any + Send + Sync>> {
    Ok(server.downcast::<HttpDefinition>()?)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use http::{Request, Response};
    use tokio::time::sleep;

    use super::*;
    use crate::http::{Body, http_service};
    use crate::server::tests::peers::{Http1, connect};
    use crate::testing::{paused, start_paused};
    use crate::{Manager, ManagerOptions, StartShutdown, WaitForShutdown, WaitUntilRunning};

    #[test]
    fn g24_a_server_gives_way_and_resumes_by_what_its_manager_knows_of_it() {
        paused(|| async {
            let memory = InMemory::new();
            let hello = tower::service_fn(|_: Request<Body>| async {
                Ok::<_, Infallible>(Response::new(Body::from("hello")))
            });
            let options = HttpServerOptions::new().in_memory(&memory);
            let web = http_service("web", "127.0.0.1:80", hello).options(options);
            let server = definition_of(web.server.clone().unwrap()).ok().unwrap();
            let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(web);
            let manager = start_paused(manager);
            manager.send(WaitUntilRunning).await.unwrap().unwrap();
            let mut kept = Http1(connect(&memory).await);
            assert!(!kept.get().await);
            server.give_way();
            sleep(Duration::from_millis(1)).await;
            let mut waits = Http1(connect(&memory).await);
            assert!(kept.get().await);
            drop(kept);
            sleep(Duration::from_millis(1)).await;
            assert_eq!(server.in_flight().unwrap().connections, 0);
            server.resume();
            assert!(!waits.get().await);
            drop(waits);
            manager.do_send(StartShutdown);
            manager.send(WaitForShutdown).await.unwrap().unwrap();
        });
    }
}
