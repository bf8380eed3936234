//! What is said of a service's restarts.

use std::fmt;
use std::time::Duration;

use super::backoff::{Backoff, Intensity};
use super::spec::RestartMode;

/// Each is remembered for as long as it counts.
const MOST_RESTARTS: u32 = 10_000;

/// When, how often and how soon a service is started again.
///
/// | here | OTP `supervisor` | systemd |
/// |---|---|---|
/// | [`never`](Self::never), [`on_failure`](Self::on_failure), [`always`](Self::always) | `temporary`, `transient`, `permanent` | `Restart=no`, `on-failure`, `always` |
/// | [`max_restarts`](Self::max_restarts) | `intensity` | `StartLimitBurst=` |
/// | [`within`](Self::within) | `period` | `StartLimitIntervalSec=` |
/// | [`backoff`](Self::backoff) | (none: at once) | `RestartSec=`, `RestartMaxDelaySec=` |
///
/// More restarts within the period than allowed are one too many: the manager shuts down, and its error tells of the
/// restarts that led there.
///
/// ```
/// use majordomo::{RestartPolicy, ServiceSpec, restartable_fn};
/// use std::time::Duration;
///
/// let ticker = restartable_fn("ticker", |run| async move {
///     run.shutdown.requested().await;
///     Ok(())
/// });
/// let policy = RestartPolicy::on_failure().max_restarts(5).within(Duration::from_secs(60));
/// let service = ServiceSpec::new(ticker).restart(policy);
/// ```
#[must_use = "a policy does nothing until it is given to a service"]
#[derive(Debug, Clone, PartialEq)]
pub struct RestartPolicy {
    mode: RestartMode,
    most: Option<u32>,
    within: Duration,
    delays: Backoff,
    healthy_after: Duration,
}

/// Why what was said of a service's restarts cannot work.
///
/// It comes as `ConfigError::Restart` when a manager starts, before any service does. Its text names the setter to change.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RestartPolicyError {
    /// The first delay is longer than the longest.
    #[error("the backoff of its restarts begins with {first:?}, longer than its most, {most:?}: swap them")]
    Backoff {
        /// The first delay.
        first: Duration,
        /// The longest.
        most: Duration,
    },
    /// The random share is none.
    #[error("the jitter of its restarts is {0}: give the share of the delay that is random, from 0 to 1")]
    Jitter(f64),
    /// More restarts than are kept in mind.
    #[error("max_restarts is {0}: give at most 10000, or allow them to be `unlimited`")]
    TooMany(u32),
    /// A period without length.
    #[error(
        "its restarts are counted within no time at all: give `within` a duration, or allow them to be `unlimited`"
    )]
    NoPeriod,
}

impl RestartPolicy {
    /// A failure of the service begins the manager's shutdown. This is what a service without a policy does; but with this
    /// one it can be restarted by [`RestartService`](crate::RestartService), and with those that it depends on.
    pub const fn never() -> Self {
        Self {
            mode: RestartMode::Never,
            most: Some(3),
            within: Duration::from_secs(5),
            delays: Backoff { first: Duration::from_millis(100), most: Duration::from_secs(10), jitter: 0.2 },
            healthy_after: Duration::from_secs(60),
        }
    }

    /// The service is restarted when it fails, not when its main loop returns `Ok`.
    pub fn on_failure() -> Self {
        Self { mode: RestartMode::OnFailure, ..Self::never() }
    }

    /// The service is restarted when it fails and when its main loop returns.
    pub fn always() -> Self {
        Self { mode: RestartMode::Always, ..Self::never() }
    }

    /// How many restarts are allowed within the period. Default 3, at most 10,000.
    pub fn max_restarts(self, most: u32) -> Self {
        Self { most: Some(most), ..self }
    }

    /// Allows any number of restarts. Mind the [`backoff`](Self::backoff): it is all that slows them down.
    pub fn unlimited(self) -> Self {
        Self { most: None, ..self }
    }

    /// The period, which moves with time. Default 5 s.
    pub fn within(self, period: Duration) -> Self {
        Self { within: period, ..self }
    }

    /// How long to wait before a restart: first so long, then twice as long each time, up to the most. Default 100 ms
    /// to 10 s. Zero is at once.
    pub fn backoff(self, first: Duration, most: Duration) -> Self {
        Self { delays: Backoff { first, most, ..self.delays }, ..self }
    }

    /// Which share of each delay is random, on either side of it. Default 0.2, from 0 to 1.
    pub fn jitter(self, share: f64) -> Self {
        Self { delays: Backoff { jitter: share, ..self.delays }, ..self }
    }

    /// After having been up for so long, the delays of a service start over. Default 60 s.
    pub fn healthy_after(self, up: Duration) -> Self {
        Self { healthy_after: up, ..self }
    }

    /// When it is restarted.
    pub fn mode(&self) -> RestartMode {
        self.mode
    }

    /// How many restarts are allowed within the period, as set by [`max_restarts`](Self::max_restarts); `None`: any number.
    pub fn restarts_allowed(&self) -> Option<u32> {
        self.most
    }

    /// The period within which restarts are counted, as set by [`within`](Self::within).
    pub fn counted_within(&self) -> Duration {
        self.within
    }

    /// How often, and how soon, in a sentence.
    pub(crate) fn times(&self) -> String {
        let often = match self.most {
            Some(most) => format!("up to {most} times within {:?}", self.within),
            None => "any number of times".to_owned(),
        };
        let Backoff { first, most, .. } = self.delays;
        let soon = if most.is_zero() { "at once".to_owned() } else { format!("after {first:?} to {most:?}") };
        format!("{often}, {soon}")
    }

    /// The same, without an order: none where it is never.
    pub(crate) fn allowed_by_itself(&self) -> Option<u32> {
        if self.mode == RestartMode::Never { Some(0) } else { self.most }
    }

    pub(crate) fn intensity(&self) -> Intensity {
        Intensity::new(self.most, self.within)
    }

    pub(crate) fn delays(&self) -> Backoff {
        self.delays.clone()
    }

    /// Whether nothing ever delays a restart.
    pub(crate) fn is_at_once(&self) -> bool {
        self.delays.first.is_zero()
    }

    pub(crate) fn healthy(&self) -> Duration {
        self.healthy_after
    }

    pub(crate) fn check(&self) -> Result<(), RestartPolicyError> {
        let Backoff { first, most, jitter } = self.delays;
        if !(0.0..=1.0).contains(&jitter) {
            return Err(RestartPolicyError::Jitter(jitter));
        }
        if first > most {
            return Err(RestartPolicyError::Backoff { first, most });
        }
        if let Some(most) = self.most.filter(|most| *most > MOST_RESTARTS) {
            return Err(RestartPolicyError::TooMany(most));
        }
        if self.within.is_zero() && self.most.is_some() && self.mode != RestartMode::Never {
            return Err(RestartPolicyError::NoPeriod);
        }
        Ok(())
    }
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self::never()
    }
}

impl fmt::Display for RestartPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            RestartMode::Never => return f.write_str("not restarted by itself"),
            RestartMode::OnFailure => "restarted when it fails",
            RestartMode::Always => "always restarted",
        };
        write!(f, "{mode}, {}", self.times())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_with_what_would() {
        let text = |policy: RestartPolicy| policy.check().unwrap_err().to_string();
        let second = Duration::from_secs(1);
        assert!(text(RestartPolicy::always().jitter(1.5)).contains("1.5"));
        assert!(text(RestartPolicy::always().jitter(f64::NAN)).contains("NaN"));
        assert!(text(RestartPolicy::always().backoff(2 * second, second)).contains("2s"));
        assert!(text(RestartPolicy::always().within(Duration::ZERO)).contains("unlimited"));
        assert_eq!(RestartPolicy::always().within(Duration::ZERO).unlimited().check(), Ok(()));
        assert!(text(RestartPolicy::always().max_restarts(u32::MAX)).contains("max_restarts is 4294967295"));
        assert_eq!(RestartPolicy::default().check(), Ok(()));
    }
}
