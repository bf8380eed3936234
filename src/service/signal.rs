//! The signal that tells services and resources of the shutdown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::latch::Latch;

/// Tells of the shutdown: that it was asked for, how much time there is, and that it is over. Clones tell the same; they may
/// be taken to any thread.
#[derive(Debug, Clone)]
pub struct ShutdownSignal {
    deadlines: Arc<Deadlines>,
    role: Role,
    forced: Arc<Latch>,
}

/// What the signals of a service and of its resources share.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    requested: Latch,
    limits: Arc<Limits>,
}

/// What all signals of a manager share.
#[derive(Debug, Default)]
struct Limits {
    services: Mutex<Option<Instant>>,
    resources: Mutex<Option<Instant>>,
}

/// On whose behalf a signal is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Service,
    Resource,
}

impl Deadlines {
    /// For another service of the same manager, or for another life of it.
    pub(crate) fn another(&self) -> Arc<Self> {
        Arc::new(Self { requested: Latch::default(), limits: Arc::clone(&self.limits) })
    }

    /// Shutdown begins, or is to be over sooner: what is left at these times is forced.
    pub(crate) fn set(&self, services: Option<Instant>, resources: Option<Instant>) {
        for (limit, at) in [(&self.limits.services, services), (&self.limits.resources, resources)] {
            *limit.lock().unwrap_or_else(PoisonError::into_inner) = at;
        }
    }

    /// The service is asked to come to its end.
    pub(crate) fn request(&self) {
        self.requested.set();
    }
}

impl ShutdownSignal {
    pub(crate) fn new(deadlines: Arc<Deadlines>, role: Role) -> Self {
        Self { deadlines, role, forced: Arc::default() }
    }

    pub(crate) fn force(&self) {
        self.forced.set();
    }

    /// Resolves when services are asked to come to an end: with `Shutdown`, after the drain delay.
    pub async fn requested(&self) {
        self.deadlines.requested.wait().await;
    }

    /// Whether services have been asked to come to an end.
    pub fn is_requested(&self) -> bool {
        self.deadlines.requested.is_set()
    }

    /// Resolves when the time of whoever received this signal is over. Its actor is dropped at that moment,
    /// so this is for work that it left to other threads.
    pub async fn forced(&self) {
        self.forced.wait().await;
    }

    /// Whether the time is over.
    pub fn is_forced(&self) -> bool {
        self.forced.is_set()
    }

    /// When whoever received this signal is forced: for a service the moment at which the release reserve
    /// begins, for a resource the end of all. `None` as long as no shutdown has begun, or without a limit.
    /// What is left of it is counted from tokio's `Instant::now`, which is the system's except where a test has paused it.
    pub fn deadline(&self) -> Option<Instant> {
        let deadline = match self.role {
            Role::Service => &self.deadlines.limits.services,
            Role::Resource => &self.deadlines.limits.resources,
        };
        *deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
