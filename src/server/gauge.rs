//! What a server carries at this moment: for the status, and for the report of a forced end.
//!
//! Read from outside, without the workers' help: also of one whose thread is blocked.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use crate::events::{InFlight, OldestCall};
use crate::server::state::WorkerState;

/// Reads what a server carries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauge(Arc<OnceLock<Vec<Arc<WorkerState>>>>);

impl Gauge {
    pub(crate) fn set(&self, workers: Vec<Arc<WorkerState>>) {
        // A server runs once.
        let _ = self.0.set(workers);
    }

    /// What the server carries; `None` before it runs.
    pub(crate) fn in_flight(&self) -> Option<InFlight> {
        let mut carried = InFlight::default();
        for worker in self.0.get()? {
            carried.connections += worker.connections.load(Ordering::Relaxed);
            carried.carrying += worker.carrying.load(Ordering::Relaxed);
            carried.arrived += worker.calls.load(Ordering::Relaxed);
            carried.shed += worker.shed.load(Ordering::Relaxed);
            carried
                .stuck
                .extend(worker.stuck().map(|(method, age)| OldestCall { method: method.to_string(), age }));
            worker.unreading.tell(&mut carried);
            worker.open.for_each(|call| {
                carried.watches += usize::from(call.is_endless());
                carried.add(call.name(), call.began.elapsed());
            });
        }
        Some(carried)
    }
}
