//! What all requests of a server have in common.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::events::Name;
use crate::http::request_end::OnRequestEnd;
use crate::metrics::{Meter, RequestMeter};
use crate::service::ShutdownSignal;

/// What all requests of a server have in common.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) service: Name,
    pub(crate) shutdown: ShutdownSignal,
    pub(crate) max_body_size: Option<usize>,
    pub(crate) body_timeout: Option<Duration>,
    /// Whether clients are told to come back by another connection.
    pub(crate) closing: Arc<AtomicBool>,
    pub(crate) on_request_end: Option<OnRequestEnd>,
    /// What counts for its manager, and what does on one worker, once it is for one.
    pub(crate) meter: Meter,
    pub(crate) requests: RequestMeter,
}

impl Shared {
    /// The same for one worker: each request counts a reference to it, and one to the signal.
    pub(crate) fn for_worker(&self) -> Arc<Self> {
        Arc::new(Self { shutdown: self.shutdown.another(), requests: self.meter.requests(), ..self.clone() })
    }
}
