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

/// The longest that a start waits for a store to say whether it can be used.
const LONGEST_CHECK: Duration = Duration::from_secs(2);

/// The longest that a service stays out, after it was told to give its lease away: for longer it is better stopped.
const MOST_STAY_OUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The times of a lease, which fit into each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    pub(super) ttl: Duration,
    pub(super) margin: Duration,
    pub(super) stop: Duration,
    pub(super) cut: Duration,
    pub(super) end: Duration,
    pub(super) renew: Duration,
    /// So long before its time a request may go together with another.
    pub(super) early: Duration,
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
        let renew = ttl / (2 * RENEWALS);
        let terms = Self { ttl, margin, stop, cut, end, renew, early: renew / 4 };
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

    /// For how long none is asked for, where it was given away by an order: others have its time to live at least, to notice that it is free, and twice that
    /// unless the order says otherwise.
    ///
    /// # Errors
    /// The shortest and the longest that can be, where it is neither.
    pub(crate) fn stay_out(&self, asked: Option<Duration>) -> Result<Duration, (Duration, Duration)> {
        let given = asked.unwrap_or(2 * self.ttl);
        let fits = (self.ttl..=MOST_STAY_OUT).contains(&given);
        fits.then_some(given).ok_or((self.ttl, MOST_STAY_OUT))
    }

    /// How long the process may take to end.
    pub(crate) fn end(&self) -> Duration {
        self.end
    }

    /// How long one request to the store may take.
    pub(crate) fn call(&self) -> Duration {
        self.renew
    }

    /// How long its store may take to say whether it can be used: others do not start before.
    pub(crate) fn check(&self) -> Duration {
        self.call().min(LONGEST_CHECK)
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
    fn g25_who_gives_a_lease_away_leaves_others_its_time_to_live_and_a_day_at_most() {
        let terms = Terms::new(15 * SECOND, SECOND, 5 * SECOND).expect("fits");
        let day = 24 * 60 * 60 * SECOND;
        assert_eq!(terms.stay_out(None), Ok(30 * SECOND));
        for fits in [15 * SECOND, day] {
            assert_eq!(terms.stay_out(Some(fits)), Ok(fits));
        }
        for wrong in [Duration::ZERO, 15 * SECOND - Duration::from_nanos(1), day + Duration::from_nanos(1)] {
            assert_eq!(terms.stay_out(Some(wrong)), Err((15 * SECOND, day)));
        }
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
