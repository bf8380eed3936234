//! What a manager knows of the lease of a service.

use std::time::Duration;

use crate::lifecycle::LeaseTerms;
use crate::service::{Lease, ViewReceiver};

/// The lease of a service.
pub(crate) struct SlotLease {
    pub(super) lease: Lease,
    /// It was checked that they fit.
    pub(super) terms: Option<LeaseTerms>,
    /// While the service has it.
    pub(super) epoch: Option<u64>,
    /// What is known of it, while it is asked for or held.
    pub(super) view: Option<ViewReceiver>,
    /// For how long it asks for no lease, once it has given its own away; and until when, by the manager's time.
    pub(super) stay_out: Duration,
    pub(super) out_until: Duration,
}

impl SlotLease {
    pub(super) fn new(lease: Lease, stop: Duration) -> Self {
        let terms = lease.terms(stop).ok();
        Self { lease, terms, epoch: None, view: None, stay_out: Duration::ZERO, out_until: Duration::ZERO }
    }
}
