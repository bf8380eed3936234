//! The actors that were forced, as long as the shell waits for their end.

use std::time::Duration;

use crate::lifecycle::{ResourceIx, ServiceIx};

/// A service or resource that was forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forced {
    Service(ServiceIx),
    Resource(ResourceIx),
}

/// The actors that were forced and have not shown that they are gone.
#[derive(Debug, Default)]
pub(crate) struct Forcing {
    pub(super) awaited: Vec<Forced>,
    /// How often those of them whose threads may go on have been looked at again.
    pub(super) looks: u32,
    /// How long the look that comes has been waited for.
    pub(super) wait: Duration,
}

impl Forcing {
    /// One of them is gone.
    pub(crate) fn is_gone(&mut self, gone: Forced) {
        self.awaited.retain(|forced| *forced != gone);
    }
}
