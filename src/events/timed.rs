//! Events in time.

use std::time::Duration;

use serde::Serialize;

use super::LifecycleEvent;
use crate::base::as_ms;

/// An event and when it happened.
#[derive(Debug, Clone, Serialize)]
pub struct TimedEvent {
    /// Since the manager started.
    #[serde(rename = "at_ms", serialize_with = "as_ms")]
    pub at: Duration,
    /// What happened.
    #[serde(flatten)]
    pub event: LifecycleEvent,
}
