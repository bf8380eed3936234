//! Metrics as a user has them.

use std::sync::Arc;

use prometheus_client::collector::Collector;

use super::collect::Tells;
use super::core::Core;
use super::meter::Meter;

/// What a manager counts, for Prometheus. [The guide](crate::guide::metrics) lists the metrics.
///
/// A manager with an [operations endpoint](crate::Operations) tells them at `/metrics` without further ado. Whoever has a registry of their
/// own, or wants an option, makes one of these and gives it to [`ManagerOptions::metrics`](crate::ManagerOptions::metrics):
///
/// ```
/// use majordomo::metrics::Metrics;
/// use majordomo::{Manager, ManagerOptions};
/// use prometheus_client::encoding::text;
/// use prometheus_client::registry::Registry;
///
/// let metrics = Metrics::new();
/// let manager = Manager::new(ManagerOptions::new().metrics(&metrics));
/// let mut registry = Registry::default();
/// registry.register_collector(metrics.collector());
/// // Whenever it is scraped:
/// let mut told = String::new();
/// text::encode(&mut told, &registry).unwrap();
/// # assert!(told.contains("majordomo_build_info"), "{told}");
/// ```
///
/// Clones are the same. It belongs to one manager: several that share one would tell of services of the same id as of one.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Core>);

impl Metrics {
    /// Metrics of which nothing is counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, which tells calls of gRPC also by the names of go-grpc-prometheus: `grpc_server_started_total`, `grpc_server_handled_total`,
    /// `grpc_server_msg_received_total`, `grpc_server_msg_sent_total` and `grpc_server_handling_seconds`. Messages are counted only so.
    pub fn with_go_grpc_prometheus_names() -> Self {
        Self(Arc::new(Core::with_go_names()))
    }

    /// What tells them, for a registry: read when that is encoded, on the thread that does it, which waits for nobody. It may be taken before the
    /// manager starts, any number of times, and goes on telling after the manager's end.
    pub fn collector(&self) -> Box<dyn Collector> {
        Box::new(Tells(Arc::clone(&self.0)))
    }

    /// What counts into them.
    pub(crate) fn meter(&self) -> Meter {
        Meter::new(&self.0)
    }
}
