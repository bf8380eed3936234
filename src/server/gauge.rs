//! What a server carries at this moment: for the status, and for the report of a forced end.
//!
//! Read from outside, without the workers' help: also of one whose thread is blocked.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::events::{InFlight, OldestCall};
use crate::server::state::WorkerState;

/// Reads what a server carries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauge(Arc<Mutex<Option<Life>>>);

/// What there is to read of a life of the server.
#[derive(Debug, Default)]
struct Life {
    parts: Vec<Arc<WorkerState>>,
    /// Of parts that were removed: all calls that ever came, those that were one too many, and streams that were ended.
    arrived: u64,
    shed: u64,
    streams_ended: usize,
}

impl Gauge {
    /// A life of the server begins, whose parts of workers follow.
    pub(crate) fn begin(&self) {
        *self.lock() = Some(Life::default());
    }

    /// It uses another worker.
    pub(crate) fn add(&self, part: Arc<WorkerState>) {
        self.lock().get_or_insert_default().parts.push(part);
    }

    /// One that it used is over. What it counted is kept.
    pub(crate) fn remove(&self, part: &Arc<WorkerState>) {
        let mut life = self.lock();
        let Some(life) = life.as_mut() else { return };
        let Some(at) = life.parts.iter().position(|known| Arc::ptr_eq(known, part)) else { return };
        let part = life.parts.swap_remove(at);
        life.arrived += part.calls.load(Ordering::Relaxed);
        life.shed += part.shed.load(Ordering::Relaxed);
        life.streams_ended += part.streams_ended.load(Ordering::Relaxed);
    }

    /// How many parts it reads.
    #[cfg(test)]
    pub(crate) fn parts(&self) -> usize {
        self.lock().as_ref().map_or(0, |life| life.parts.len())
    }

    /// How many answers that might have gone on for ever were ended in its drain.
    pub(crate) fn streams_ended(&self) -> usize {
        let life = self.lock();
        let Some(life) = life.as_ref() else { return 0 };
        let ended = life.parts.iter().map(|worker| worker.streams_ended.load(Ordering::Relaxed));
        life.streams_ended + ended.sum::<usize>()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Life>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many connections and calls are open; `None` before it runs.
    #[cfg(feature = "prometheus")]
    pub(crate) fn load(&self) -> Option<(usize, usize)> {
        let life = self.lock();
        let load =
            |worker: &Arc<WorkerState>| (worker.connections.load(Ordering::Relaxed), worker.open.count());
        Some(life.as_ref()?.parts.iter().map(load).fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1)))
    }

    /// What the server carries; `None` before it runs.
    pub(crate) fn in_flight(&self) -> Option<InFlight> {
        let life = self.lock();
        let life = life.as_ref()?;
        let mut carried = InFlight::default();
        (carried.arrived, carried.shed) = (life.arrived, life.shed);
        for worker in &life.parts {
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
