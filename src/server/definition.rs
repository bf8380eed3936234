//! What a manager knows of a service that is a server, and what it tells it.

use crate::events::{InFlight, Name};
use crate::metrics::{Meter, ReadLoad};
use crate::report::ConfigError;
use crate::server::listen::ServerAddress;
use crate::server::notice::OnNotice;
use crate::server::worker::workers::Workers;

/// What a manager knows of a server before it runs, and shares with it.
pub(crate) trait ServerDefinition: Send + Sync {
    /// Where it is to listen.
    fn address(&self) -> Result<ServerAddress, ConfigError>;

    /// Refuses what cannot work.
    fn check(&self, service: &Name) -> Result<(), ConfigError>;

    /// From here on its manager is told, has these workers for it, and counts by that meter. A manager starts once.
    fn connect(&self, on_notice: OnNotice, workers: &Workers, meter: &Meter);

    /// Reads what it carries, where that is known.
    fn load(&self) -> Option<ReadLoad> {
        None
    }

    /// Has it served in memory where it can be, unless it was told where.
    #[cfg(feature = "testing")]
    fn or_in_memory(&self) {}

    /// What to do about it in paused time, where there are no sockets.
    fn mend_in_paused_time(&self) -> &'static str {
        "it accepts connections by itself, so leave it out"
    }

    /// What it carries; `None` before it runs.
    fn in_flight(&self) -> Option<InFlight>;

    /// All others run: it may listen from its set-up on.
    fn listen_early(&self);

    /// Clients are told to come back by another connection, which will be another process's.
    fn begin_closing(&self);

    /// A successor has taken over its sockets: from here on it accepts nobody, in a life that is yet to begin neither, and its
    /// connections are told to go away. Nothing is ended: that is for the drain. It tells [`ServerNotice::GaveWay`] once nothing is left,
    /// at once where it does not run. Never blocks.
    ///
    /// [`ServerNotice::GaveWay`]: crate::server::notice::ServerNotice::GaveWay
    fn give_way(&self);

    /// The successor is gone: it accepts again. What was told to go away goes on leaving. Without a [`give_way`](Self::give_way) before,
    /// nothing happens. Never blocks.
    fn resume(&self);
}

/// Understands the address of a server that is a service.
pub(crate) fn parse_address(address: &str) -> Result<ServerAddress, ConfigError> {
    let refused = |reason| ConfigError::HttpAddress { address: address.to_owned(), reason };
    ServerAddress::parse(address).map_err(refused)
}

/// What cannot work of a server, with its service's name.
pub(crate) fn named(service: &Name, error: ConfigError) -> ConfigError {
    ConfigError::HttpServer { service: service.to_string(), error: Box::new(error) }
}
