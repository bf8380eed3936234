//! What a manager knows of an HTTP server before it runs, and what the server tells it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::events::Name;
use crate::http::options::HttpServerOptions;
use crate::report::ConfigError;
use crate::server::gauge::Gauge;
use crate::server::listen::ServerAddress;
use crate::server::notice::{OnNotice, ServerNotice};

/// What a manager knows of an HTTP server, and shares with it.
pub(crate) struct HttpDefinition {
    address: String,
    pub(crate) options: HttpServerOptions,
    /// Whether clients are told to come back by another connection.
    pub(crate) closing: Arc<AtomicBool>,
    pub(crate) gauge: Gauge,
    /// Whether it is to listen from its set-up on: all others run.
    pub(crate) listens_early: AtomicBool,
    /// Known once its manager has begun.
    manager: OnceLock<(OnNotice, Option<Duration>)>,
}

impl HttpDefinition {
    pub(crate) fn new(address: String, options: HttpServerOptions) -> Self {
        let (closing, gauge, listens_early, manager) = Default::default();
        Self { address, options, closing, gauge, listens_early, manager }
    }

    /// The same with other options.
    pub(crate) fn with_options(&self, options: HttpServerOptions) -> Self {
        Self::new(self.address.clone(), options)
    }

    /// Where it is to listen.
    pub(crate) fn address(&self) -> Result<ServerAddress, ConfigError> {
        let refused = |reason| ConfigError::HttpAddress { address: self.address.clone(), reason };
        ServerAddress::parse(&self.address).map_err(refused)
    }

    /// Refuses what cannot work.
    pub(crate) fn check(&self, service: &Name) -> Result<(), ConfigError> {
        let named = |error| ConfigError::HttpServer { service: service.to_string(), error: Box::new(error) };
        self.options.validate().map_err(named)?;
        self.address().map_err(named)?;
        Ok(())
    }

    /// From here on its manager is told, also of a handler that blocks its worker for so long.
    pub(crate) fn tell(&self, on_notice: OnNotice, stuck_after: Option<Duration>) {
        // A manager starts once.
        let _ = self.manager.set((on_notice, stuck_after));
    }

    /// How to serve.
    pub(crate) fn served(&self) -> HttpServerOptions {
        self.options.clone().watched(self.manager.get().and_then(|(_, stuck_after)| *stuck_after))
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
