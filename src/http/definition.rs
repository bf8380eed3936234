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
    /// Whether it is to listen from its set-up on: all others run.
    pub(crate) listens_early: AtomicBool,
    /// Where it is served in memory, in place of its address.
    in_memory: OnceLock<InMemory>,
    /// Known once its manager has begun.
    manager: OnceLock<(OnNotice, Workers, Meter)>,
}

impl HttpDefinition {
    pub(crate) fn new(address: String, options: HttpServerOptions) -> Self {
        let (closing, gauge, listens_early, manager) = Default::default();
        let in_memory = options.in_memory.clone().map_or_else(OnceLock::new, OnceLock::from);
        Self { address, options, closing, gauge, listens_early, in_memory, manager }
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
}

/// The definition of an HTTP server, where it is one.
pub(crate) fn definition_of(
    server: Arc<dyn Any + Send + Sync>,
) -> Result<Arc<dyn ServerDefinition>, Arc<dyn Any + Send + Sync>> {
    Ok(server.downcast::<HttpDefinition>()?)
}
