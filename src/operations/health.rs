//! Which services serve, by the same events and the same rules as the gRPC health service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::events::EventSender;
use crate::grpc::builtin::health::{ServingStatus, Statuses};

/// The health of a manager. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health(Arc<Mutex<Statuses>>);

impl Health {
    /// Takes note of each event before anything else comes of it.
    pub(crate) fn observer(&self) -> EventSender {
        let health = self.clone();
        EventSender::calling(move |event| {
            health.lock().observe(event);
        })
    }

    /// Whether all run, and none was asked to stop.
    pub(super) fn is_serving(&self) -> bool {
        self.serves("")
    }

    /// Whether a service serves.
    pub(super) fn serves(&self, id: &str) -> bool {
        self.lock().of(id) == Some(ServingStatus::Serving)
    }

    /// Whether a service is a reason for not being ready: it does not serve, and is waited for.
    pub(super) fn is_missing(&self, id: &str) -> bool {
        !self.serves(id) && !self.lock().stands_by(id)
    }

    /// Whether all have run, if only once.
    pub(super) fn has_run(&self) -> bool {
        self.lock().has_run()
    }

    fn lock(&self) -> MutexGuard<'_, Statuses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
