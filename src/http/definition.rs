//! What a manager knows of an HTTP server before it runs, and what the server tells it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::events::Name;
use crate::http::options::HttpServerOptions;
use crate::report::ConfigError;
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
    manager: OnceLock<(OnNotice, Workers)>,
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

    /// Where it is to listen.
    pub(crate) fn address(&self) -> Result<ServerAddress, ConfigError> {
        if let Some(memory) = self.in_memory.get() {
            return Ok(ServerAddress::in_memory(memory));
        }
        let refused = |reason| ConfigError::HttpAddress { address: self.address.clone(), reason };
        ServerAddress::parse(&self.address).map_err(refused)
    }

    /// Has it served in memory, unless it was told where.
    #[cfg(feature = "testing")]
    pub(crate) fn or_in_memory(&self) {
        self.in_memory.get_or_init(InMemory::new);
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self, service: &Name) -> Result<(), ConfigError> {
        let named = |error| ConfigError::HttpServer { service: service.to_string(), error: Box::new(error) };
        self.options.validate().map_err(named)?;
        self.address().map_err(named)?;
        Ok(())
    }

    /// From here on its manager is told, and has these workers for it.
    pub(crate) fn connect(&self, on_notice: OnNotice, workers: Workers) {
        // A manager starts once.
        let _ = self.manager.set((on_notice, workers));
    }

    /// The workers of its manager.
    pub(crate) fn workers(&self) -> Option<&Workers> {
        self.manager.get().map(|(_, workers)| workers)
    }

    pub(crate) fn notify(&self, notice: ServerNotice) {
        if let Some((on_notice, _)) = self.manager.get() {
            on_notice(notice);
        }
    }

    /// All others run: it may listen from its set-up on.
    pub(crate) fn listen_early(&self) {
        self.listens_early.store(true, Ordering::Relaxed);
    }

    /// Clients are told to come back by another connection, which will be another process's.
    pub(crate) fn begin_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}
