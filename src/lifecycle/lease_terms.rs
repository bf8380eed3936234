//! How long a lease lasts, and what has to fit into it.
//!
//! ```text
//!   sent            renewals, three of which may fail            stop begins     cut     the process ends
//!    |-- renew --|-- renew --|-- renew --| . . . . . . . . . . . . |--- stop ----|-- cut --|- end -|-- margin --| others may have it
//!    |------------------------------------------------- ttl --------------------------------------------------|
//! ```
//!
//! It is counted from the sending of the request that was granted: the store counts from later.

use std::time::Duration;

/// How long to end what did not stop: an actor is ended between two of its polls. Of a short lease it is a twentieth.
const CUT: Duration = Duration::from_millis(500);

/// How long a process takes to end, with its last words. Of a short lease it is a fortieth.
const END: Duration = Duration::from_millis(200);

/// So many renewals in a row may fail before the service has to stop.
const RENEWALS: u32 = 3;

/// The shortest that a lease may be renewed: what is shorter would be all renewals.
const LEAST_TTL: Duration = Duration::from_millis(500);
/// The longest: for so long nobody runs after a process that was killed.
const MOST_TTL: Duration = Duration::from_secs(3600);

/// The times of a lease, which fit into each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    pub(super) ttl: Duration,
    pub(super) margin: Duration,
    pub(super) stop: Duration,
    pub(super) cut: Duration,
    pub(super) end: Duration,
    pub(super) renew: Duration,
}

/// Why a lease cannot work so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseTermsError {
    /// Three renewals, the stop, its end by force and the margin take longer than the lease lasts.
    #[error(
        "its lease lasts {ttl:?}, but three renewals ({renewals:?}), the stop ({stop:?}), its end by force ({force:?}) and the margin ({margin:?}) take {sum:?}: \
         give it a longer ttl, or a shorter stop_timeout or margin"
    )]
    TooShort {
        /// How long the lease lasts.
        ttl: Duration,
        /// How long three renewals take.
        renewals: Duration,
        /// How long the service may take to stop.
        stop: Duration,
        /// How long it takes to end one that did not, or else the process.
        force: Duration,
        /// What is kept for clocks that differ.
        margin: Duration,
        /// All of them.
        sum: Duration,
    },
    /// The lease lasts too short or too long for any service.
    #[error("its lease lasts {ttl:?}: give it a ttl from {LEAST_TTL:?} to {MOST_TTL:?}, such as 15 s")]
    Ttl {
        /// How long the lease lasts.
        ttl: Duration,
    },
    /// Clocks that differ by anything would have two run.
    #[error("the margin of its lease is 0: clocks differ; give it one, such as 1 s")]
    NoMargin,
    /// A lease has no name that a store can use.
    #[error(
        "its lease is called {name}, which cannot be used, {reason}: choose a name, the same on every replica"
    )]
    Name {
        /// The name, escaped, or its beginning.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A lease has a name that its store cannot use.
    #[error(
        "its lease is called {name:?}, which its store cannot use ({reason}): choose a name, the same on every replica"
    )]
    StoreName {
        /// The name.
        name: String,
        /// What the store takes.
        reason: String,
    },
}

impl Terms {
    /// A lease is renewed six times in its life: three may fail, and half of it is left for the end.
    ///
    /// # Errors
    /// Where that does not fit.
    pub(crate) fn new(ttl: Duration, margin: Duration, stop: Duration) -> Result<Self, LeaseTermsError> {
        if !(LEAST_TTL..=MOST_TTL).contains(&ttl) {
            return Err(LeaseTermsError::Ttl { ttl });
        }
        if margin.is_zero() {
            return Err(LeaseTermsError::NoMargin);
        }
        let (cut, end) = (CUT.min(ttl / 20), END.min(ttl / 40));
        let terms = Self { ttl, margin, stop, cut, end, renew: ttl / (2 * RENEWALS) };
        let (renewals, force) = (ttl / 2, cut + end);
        let sum = renewals.saturating_add(stop).saturating_add(force).saturating_add(margin);
        if sum >= ttl {
            return Err(LeaseTermsError::TooShort { ttl, renewals, stop, force, margin, sum });
        }
        Ok(terms)
    }

    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// How long the process may take to end.
    pub(crate) fn end(&self) -> Duration {
        self.end
    }

    /// How long one request to the store may take.
    pub(crate) fn call(&self) -> Duration {
        self.renew
    }

    /// When the stop of a service begins whose lease ends then.
    pub(super) fn stop_at(&self, until: Duration) -> Duration {
        self.cut_at(until).saturating_sub(self.stop)
    }

    /// When it is cut.
    pub(super) fn cut_at(&self, until: Duration) -> Duration {
        self.over_at(until).saturating_sub(self.cut)
    }

    /// When the process ends, if anything of it still runs.
    pub(super) fn over_at(&self, until: Duration) -> Duration {
        until.saturating_sub(self.margin + self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn g25_what_is_usual_fits_and_what_does_not_is_refused_with_its_sum() {
        assert!(Terms::new(15 * SECOND, SECOND, 5 * SECOND).is_ok());
        let refused =
            Terms::new(10 * SECOND, SECOND, 5 * SECOND).expect_err("5 + 5 + 0.7 + 1 is more than 10");
        let text = refused.to_string();
        assert!(text.contains("take 11.7s") && text.contains("lasts 10s"), "{text}");
        assert!(Terms::new(15 * SECOND, SECOND, Duration::MAX).is_err());
        // A lease of a test, or where a service stops at once.
        assert!(Terms::new(SECOND, SECOND / 10, SECOND / 5).is_ok());
    }

    #[test]
    fn g25_a_lease_of_no_time_or_without_a_margin_is_refused() {
        assert_eq!(
            Terms::new(Duration::ZERO, SECOND, SECOND),
            Err(LeaseTermsError::Ttl { ttl: Duration::ZERO })
        );
        assert!(Terms::new(Duration::MAX, SECOND, SECOND).is_err());
        assert_eq!(Terms::new(15 * SECOND, Duration::ZERO, SECOND), Err(LeaseTermsError::NoMargin));
    }

    #[test]
    fn g25_the_end_of_a_lease_is_divided_from_behind() {
        let terms = Terms::new(15 * SECOND, SECOND, 5 * SECOND).expect("fits");
        let until = 100 * SECOND;
        assert_eq!(terms.over_at(until), 99 * SECOND - END);
        assert_eq!(terms.cut_at(until), 99 * SECOND - END - CUT);
        assert_eq!(terms.stop_at(until), 94 * SECOND - END - CUT);
    }
}
