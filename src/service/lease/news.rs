//! What the thread of leases tells the manager.

use super::errors::{LeaseLostError, LeaseRefusedError};

/// What becomes of a lease.
#[derive(Debug)]
pub(crate) enum LeaseNews {
    /// Its store can be used, or was away.
    Checked,
    Acquired(u64),
    Lost(LeaseLostError),
    Expired,
    Refused(LeaseRefusedError),
    Returned,
}
