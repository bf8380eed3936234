//! What users say of a lease.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::store::{AnyStore, LeaseStore};
use crate::base::check_name;
use crate::lifecycle::{LeaseTerms, LeaseTermsError};

/// How long a lease lasts. A process that was killed keeps the others out for so long. Shorter needs a quicker stop.
const TTL: Duration = Duration::from_secs(15);

/// What is kept for clocks that differ: far more than clocks of machines drift within a lease.
const MARGIN: Duration = Duration::from_secs(1);

/// What one replica alone can have: a service that is [`only_with`](crate::ServiceSpec::only_with) it runs nowhere else.
///
/// Time is counted from the moment in which a request was sent, by a clock that goes on while the machine sleeps. The lease is renewed six times
/// in its time to live, so that three renewals may fail and the store may be away for as long. `ttl` must be longer than three renewals, the
/// service's [`stop_timeout`](crate::ServiceSpec::stop_timeout), its end by force (0.7 s; of a lease of a few seconds less) and the margin together.
#[derive(Clone)]
#[must_use = "a lease is of no use until a service is only_with it"]
pub struct Lease {
    pub(super) store: Arc<dyn AnyStore>,
    pub(super) name: Arc<str>,
    ttl: Duration,
    margin: Duration,
}

impl Lease {
    /// The lease of that name in that store: the same on every replica.
    pub fn new(store: impl LeaseStore, name: impl Into<String>) -> Self {
        Self { store: Arc::new(store), name: name.into().into(), ttl: TTL, margin: MARGIN }
    }

    /// How long it lasts unless it is renewed: default 15 s. For so long nobody runs when a process dies without a word.
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { ttl, ..self }
    }

    /// By how much the clocks of a replica and of the store may differ within its time to live: default 1 s. So long before its end the run is over.
    pub fn margin(self, margin: Duration) -> Self {
        Self { margin, ..self }
    }

    /// The times of it, for a service that may take so long to stop.
    ///
    /// # Errors
    /// Where they do not fit into each other, or its name cannot be used.
    pub(crate) fn terms(&self, stop: Duration) -> Result<LeaseTerms, LeaseTermsError> {
        let refused = |name: String, reason| Err(LeaseTermsError::Name { name, reason });
        if self.name.trim().is_empty() {
            return refused("\"\"".to_owned(), "since it is empty");
        }
        if let Err(unfit) = check_name(&self.name) {
            return refused(unfit.shown, unfit.reason);
        }
        if let Err(reason) = self.store.check_name(&self.name) {
            let (name, reason) = (self.name.to_string(), reason.to_string());
            return Err(LeaseTermsError::StoreName { name, reason });
        }
        LeaseTerms::new(self.ttl, self.margin, stop)
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, ttl, margin, .. } = self;
        f.debug_struct("Lease")
            .field("name", name)
            .field("ttl", ttl)
            .field("margin", margin)
            .finish_non_exhaustive()
    }
}
