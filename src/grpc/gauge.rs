//! How much a server carries at this moment, for whoever has to end it by force: dropped, it can't tell.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use super::worker::Shared;

/// Reads what a server carries; reads nothing before the server runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauge(Arc<OnceLock<Vec<Arc<Shared>>>>);

impl Gauge {
    pub(super) fn set(&self, workers: Vec<Arc<Shared>>) {
        // A server runs once.
        let _ = self.0.set(workers);
    }

    /// Connections that have open calls.
    pub(crate) fn carrying(&self) -> usize {
        let workers = self.0.get().map_or(&[][..], Vec::as_slice);
        workers.iter().map(|shared| shared.carrying.load(Ordering::Relaxed)).sum()
    }
}
