//! The account of one service's restarts, or of its set-up's retries.

use std::time::Duration;

use crate::lifecycle::{Backoff, Intensity, RestartMode};
use crate::service::RestartPolicy;

/// How often, and how soon, a service was and is started again. Most never are: what that takes is made with the first time.
pub(crate) struct RestartHistory {
    /// Where it is another than that of one that is never restarted.
    policy: Option<Box<RestartPolicy>>,
    /// Since when it has been up.
    up: Option<Duration>,
    /// How many the rules count.
    counted: u32,
    past: Option<Box<Counts>>,
}

struct Counts {
    intensity: Intensity,
    backoff: Backoff,
    /// Failed lives in a row: none of them was healthy.
    failed: u32,
}

static NEVER: RestartPolicy = RestartPolicy::never();

impl RestartHistory {
    pub(crate) fn new(policy: RestartPolicy) -> Self {
        let policy = (policy != NEVER).then(|| Box::new(policy));
        Self { policy, up: None, counted: 0, past: None }
    }

    pub(crate) fn policy(&self) -> &RestartPolicy {
        self.policy.as_deref().unwrap_or(&NEVER)
    }

    fn past(&mut self) -> &mut Counts {
        let policy = self.policy.as_deref().unwrap_or(&NEVER);
        let none = || Box::new(Counts { intensity: policy.intensity(), backoff: policy.delays(), failed: 0 });
        self.past.get_or_insert_with(none)
    }

    /// It is up, from now on.
    pub(crate) fn is_up(&mut self, now: Duration) {
        self.up = Some(now);
    }

    /// It failed and is started again.
    pub(crate) fn failed(&mut self, now: Duration) {
        let was_healthy = self.up.take().is_some_and(|since| now - since >= self.policy().healthy());
        self.counted += 1;
        let past = self.past();
        past.intensity.take(now);
        if was_healthy {
            past.failed = 0;
        }
    }

    /// It has come to its end well: the delays start over.
    pub(crate) fn succeeded(&mut self) {
        if let Some(past) = &mut self.past {
            past.failed = 0;
        }
    }

    /// How long to wait before the start.
    pub(crate) fn delay(&mut self) -> Duration {
        let past = self.past();
        let delay = past.backoff.delay(past.failed, fastrand::f64());
        past.failed = past.failed.saturating_add(1);
        delay
    }

    /// Whether the rules count any.
    pub(crate) fn are_counted(&self) -> bool {
        self.counted > 0
    }

    /// How many have left the period since this was last asked.
    pub(crate) fn forgotten(&mut self, now: Duration) -> u32 {
        let used = self.used(now).0;
        let forgotten = self.counted.saturating_sub(used);
        self.counted -= forgotten;
        forgotten
    }

    /// How many count at present, and when the oldest of them no longer does.
    pub(crate) fn used(&mut self, now: Duration) -> (u32, Option<Duration>) {
        match &mut self.past {
            Some(past) => (past.intensity.used(now), past.intensity.resets_at(now)),
            None => (0, None),
        }
    }
}

/// The retries of one service's set-up.
pub(crate) struct SetupRetries {
    pub(super) history: RestartHistory,
    /// How long the next one waits, once all of the one before it is gone.
    pub(super) delay: Duration,
    /// When the next one is due, from the manager's start, if it waits.
    pub(super) due: Option<Duration>,
}

impl SetupRetries {
    /// None where a set-up is never tried again.
    pub(crate) fn new(policy: RestartPolicy) -> Option<Box<Self>> {
        let retried = policy.mode() != RestartMode::Never;
        let history = || RestartHistory::new(policy);
        retried.then(|| Box::new(Self { history: history(), delay: Duration::ZERO, due: None }))
    }
}
