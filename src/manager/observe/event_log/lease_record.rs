//! What is remembered of a service's lease.

use std::time::Duration;

use crate::events::Name;

/// The lease of a service.
#[derive(Debug, Clone)]
pub(super) struct LeaseRecord {
    pub(super) name: Name,
    /// Of the latest grant.
    pub(super) epoch: u64,
    /// For how long it asks for none once it has given this one away.
    pub(super) stay_out: Duration,
    /// When it was granted last.
    pub(super) since: Duration,
    /// How often it was granted, lost, and given away by an order.
    pub(super) acquired: u64,
    pub(super) lost: u64,
    pub(super) stepped_down: u64,
}

impl Default for LeaseRecord {
    fn default() -> Self {
        Self {
            name: Name::from(""),
            epoch: 0,
            stay_out: Duration::ZERO,
            since: Duration::ZERO,
            acquired: 0,
            lost: 0,
            stepped_down: 0,
        }
    }
}
