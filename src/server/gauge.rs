//! What a server carries at this moment: for the status, and for the report of a forced end.
//!
//! Read from outside, without the workers' help: also of one whose thread is blocked.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::events::{InFlight, OldestCall};
use crate::server::state::WorkerState;

/// Reads what a server carries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauge(Arc<Mutex<Option<Vec<Arc<WorkerState>>>>>);

impl Gauge {
    /// A life of the server begins, whose parts of workers follow.
    pub(crate) fn begin(&self) {
        *self.lock() = Some(Vec::new());
    }

    /// It uses another worker.
    pub(crate) fn add(&self, part: Arc<WorkerState>) {
        self.lock().get_or_insert_default().push(part);
    }

    /// How many answers that might have gone on for ever were ended in its drain.
    pub(crate) fn streams_ended(&self) -> usize {
        let workers = self.lock();
        workers.iter().flatten().map(|worker| worker.streams_ended.load(Ordering::Relaxed)).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Arc<WorkerState>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections and calls are open; `None` before it runs.
    #[cfg(feature = "prometheus")]
    pub(crate) fn load(&self) -> Option<(usize, usize)> {
        let workers = self.lock();
        let load =
            |worker: &Arc<WorkerState>| (worker.connections.load(Ordering::Relaxed), worker.open.count());
        Some(workers.as_ref()?.iter().map(load).fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1)))
    }

    /// What the server carries; `None` before it runs.
    pub(crate) fn in_flight(&self) -> Option<InFlight> {
        let mut carried = InFlight::default();
        for worker in self.lock().as_ref()? {
            carried.connections += worker.connections.load(Ordering::Relaxed);
            carried.carrying += worker.carrying.load(Ordering::Relaxed);
            carried.arrived += worker.calls.load(Ordering::Relaxed);
            carried.shed += worker.shed.load(Ordering::Relaxed);
            carried.stuck.extend(
                worker
                    .stuck()
                    .into_iter()
                    .map(|(method, age)| OldestCall { method: method.to_string(), age }),
            );
            worker.unreading.tell(&mut carried);
            worker.open.for_each(|call| {
                carried.watches += usize::from(call.is_endless());
                carried.add(call.name(), call.began.elapsed());
            });
        }
        Some(carried)
    }
}
