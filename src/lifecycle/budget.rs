//! How the one shutdown deadline is divided.
//!
//! ```text
//!  asked                                            reserve begins      deadline
//!    |---- drain delay ----|---- services stop ----------|-- resources --|
//!                                                        force services  force all
//! ```
//!
//! Everything after shutdown is asked fits between `asked` and `deadline`. Services may use all but the
//! reserve; what they leave over falls to the resources. Without a deadline nothing is ever forced by time.

use std::time::{Duration, Instant};

/// How much sooner than those around it a budget within theirs is spent, at most.
const MARGIN: Duration = Duration::from_millis(100);

/// The limits of a shutdown: valid by construction, fixed when the manager starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    drain_delay: Duration,
    limits: Option<Limits>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Limits {
    whole: Duration,
    reserve: Duration,
}

/// Why limits can't be kept. Nothing has been started when this is returned.
///
/// It comes as `ConfigError::Budget` when a manager starts, or from `Manager::plan`. Its text names the options that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// The resources' share is longer than all there is.
    #[error(
        "release_reserve is {reserve:?}, longer than max_shutdown_duration, {whole:?}: shorten it, or allow more time"
    )]
    ReserveExceedsWhole {
        /// What was to be kept for the resources.
        reserve: Duration,
        /// The whole shutdown's limit.
        whole: Duration,
    },
    /// The drain delay leaves services no time to stop in.
    #[error(
        "drain_delay is {drain_delay:?}, but only {left:?} of max_shutdown_duration, {whole:?}, are left before the release_reserve: \
         shorten it, or allow more time"
    )]
    DrainDelayTooLong {
        /// How long everything was to go on working.
        drain_delay: Duration,
        /// What there is before the reserve begins.
        left: Duration,
        /// The whole shutdown's limit.
        whole: Duration,
    },
}

impl Budget {
    /// Divides `whole` (`None`: no limit). Without a `reserve`, a tenth is kept for the resources.
    ///
    /// # Errors
    /// When the reserve, or the drain delay before it, does not fit into the whole.
    pub(crate) fn new(
        whole: Option<Duration>,
        reserve: Option<Duration>,
        drain_delay: Duration,
    ) -> Result<Self, BudgetError> {
        let Some(whole) = whole else {
            return Ok(Self { drain_delay, limits: None });
        };
        let reserve = reserve.unwrap_or(whole / 10);
        let left = whole.checked_sub(reserve).ok_or(BudgetError::ReserveExceedsWhole { reserve, whole })?;
        if !drain_delay.is_zero() && drain_delay >= left {
            return Err(BudgetError::DrainDelayTooLong { drain_delay, left, whole });
        }
        Ok(Self { drain_delay, limits: Some(Limits { whole, reserve }) })
    }

    /// How long everything goes on working after shutdown was asked.
    pub(crate) fn drain_delay(&self) -> Duration {
        self.drain_delay
    }

    /// When services still running are forced, for a shutdown asked at `asked`.
    pub(crate) fn services_until(&self, asked: Instant) -> Option<Instant> {
        // An instant past the clock's end is no limit.
        self.limits.and_then(|l| asked.checked_add(l.whole - l.reserve))
    }

    /// How long services have to stop in; `None`: as long as they take.
    pub(crate) fn services_time(&self) -> Option<Duration> {
        self.limits.map(|limits| limits.whole - limits.reserve - self.drain_delay)
    }

    /// The same, divided in the same proportion, within that time at most.
    pub(crate) fn within(&self, time: Duration) -> Self {
        let Some(Limits { whole, reserve }) = self.limits else {
            let limits = Limits { whole: time, reserve: time / 10 };
            return Self { drain_delay: self.drain_delay.min(time / 10), limits: Some(limits) };
        };
        if whole <= time {
            return *self;
        }
        let part = |of: Duration| time.mul_f64(of.as_secs_f64() / whole.as_secs_f64());
        // Rounded, the parts could be more than the whole.
        let reserve = part(reserve).min(time);
        let drain_delay = part(self.drain_delay).min(time - reserve);
        Self { drain_delay, limits: Some(Limits { whole: time, reserve }) }
    }

    /// What somebody within somebody else's time, of which this is left, may use of it: what it tells of its own end
    /// is to come in time, too.
    pub(crate) fn leaving_a_margin(left: Duration) -> Duration {
        left - (left / 10).min(MARGIN)
    }

    /// When so many of the equal shares of the time in which services stop are spent.
    pub(crate) fn share_until(&self, asked: Instant, share: u32, shares: u32) -> Option<Instant> {
        let time = self.services_time()?;
        asked.checked_add(self.drain_delay + time / shares * share)
    }

    /// When whatever is left is forced.
    pub(crate) fn deadline(&self, asked: Instant) -> Option<Instant> {
        self.limits.and_then(|l| asked.checked_add(l.whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn g08_resources_keep_their_reserve_when_services_use_all_their_time() {
        let asked = Instant::now();
        let budget = Budget::new(Some(10 * SECOND), None, Duration::ZERO).unwrap();
        assert_eq!(budget.services_until(asked), Some(asked + 9 * SECOND));
        assert_eq!(budget.deadline(asked), Some(asked + 10 * SECOND));
    }

    #[test]
    fn g08_a_budget_within_a_shorter_one_keeps_its_proportions_and_never_grows() {
        let asked = Instant::now();
        let budget = Budget::new(Some(10 * SECOND), None, SECOND).unwrap();
        assert_eq!(budget.within(20 * SECOND), budget);
        let half = budget.within(5 * SECOND);
        assert_eq!(half.deadline(asked), Some(asked + 5 * SECOND));
        assert_eq!(half.services_until(asked), Some(asked + 9 * SECOND / 2));
        assert_eq!(half.drain_delay(), SECOND / 2);
        let bounded = Budget::new(None, None, 5 * SECOND).unwrap().within(10 * SECOND);
        assert_eq!(bounded.deadline(asked), Some(asked + 10 * SECOND));
        assert_eq!((bounded.drain_delay(), bounded.services_time()), (SECOND, Some(8 * SECOND)));
        assert_eq!(budget.within(Duration::ZERO).deadline(asked), Some(asked));
    }

    #[cfg(rules_alone)]
    proptest::proptest! {
        #[test]
        fn g08_no_budget_within_another_is_more_than_the_time_it_is_given(
            whole in 1_u64..u64::MAX, reserve in 0.0_f64..=1.0, drain in 0.0_f64..1.0, time in 0_u64..u64::MAX,
        ) {
            let whole = Duration::from_nanos(whole);
            let reserve = whole.mul_f64(reserve).min(whole);
            let drain = (whole - reserve).mul_f64(drain);
            if let Ok(budget) = Budget::new(Some(whole), Some(reserve), drain) {
                let (time, asked) = (Duration::from_nanos(time), Instant::now());
                let within = budget.within(time);
                let stopping = within.services_time().expect("it has a limit");
                assert!(within.drain_delay() + stopping <= time.min(whole));
                assert!(within.services_until(asked) <= within.deadline(asked));
                assert!(Budget::leaving_a_margin(time) <= time);
            }
        }
    }

    #[test]
    fn g08_a_reserve_longer_than_the_whole_is_refused_by_name() {
        let error = Budget::new(Some(SECOND), Some(2 * SECOND), Duration::ZERO).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("release_reserve is 2s") && text.contains("1s"), "{text}");
    }

    #[test]
    fn g08_a_drain_delay_that_leaves_no_time_to_stop_is_refused() {
        assert!(Budget::new(Some(SECOND), Some(SECOND / 2), SECOND / 2).is_err());
        assert!(Budget::new(Some(SECOND), Some(SECOND / 2), SECOND / 4).is_ok());
        assert!(Budget::new(None, None, SECOND).is_ok(), "without a limit there is always time");
    }

    #[test]
    fn g08_shares_divide_what_is_left_between_the_drain_delay_and_the_reserve() {
        let asked = Instant::now();
        let budget = Budget::new(Some(10 * SECOND), None, SECOND).unwrap();
        assert_eq!(budget.share_until(asked, 1, 2), Some(asked + 5 * SECOND));
        assert_eq!(budget.share_until(asked, 2, 2), budget.services_until(asked));
        assert_eq!(Budget::new(None, None, SECOND).unwrap().share_until(asked, 1, 2), None);
    }

    #[test]
    fn g08_a_limit_past_the_end_of_the_clock_is_no_limit() {
        let budget = Budget::new(Some(Duration::MAX), None, Duration::ZERO).unwrap();
        assert_eq!(budget.deadline(Instant::now()), None);
    }
}
