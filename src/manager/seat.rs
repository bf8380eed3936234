//! A service in its place: what was handed over, the actor that was made of it, and the life that it leads.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::candidate::{Candidate, Replacement, Start};
use super::links::Links;
use super::nested::Branch;
use super::told::Turn;
use crate::events::Name;
use crate::lifecycle::{Backoff, Intensity, Kind};
use crate::service::{Deadlines, Registry, RestartPolicy, ShutdownSignal, Started};
use crate::supervision::{Tag, Thread};

/// How long a stop may take while others run, where its service says nothing else. OTP's default for workers.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A service on its way.
pub(super) struct Seat {
    pub(super) id: Name,
    pub(super) kind: Kind,
    pub(super) dedicated: bool,
    pub(super) start: Option<Start>,
    pub(super) policy: RestartPolicy,
    stop_timeout: Option<Duration>,
    pub(super) lives: Option<Lives>,
    /// Where its actor lives, or lived: its sockets may outlast it.
    pub(super) thread: Option<Arc<Thread>>,
    /// Outlives the actor: its resources are released afterwards.
    pub(super) registry: Option<Arc<Registry>>,
    pub(super) resources: Vec<Arc<Started>>,
    /// The life that resources and timers belong to.
    pub(super) life: Turn,
    /// The timer of its stop, or of the delay of its restart.
    pub(super) timer: Option<AbortHandle>,
    pub(super) restarts: Restarts,
    pub(super) replacement: Option<Replacement>,
    pub(super) branch: Option<Arc<Branch>>,
}

/// A service whose actor was started.
pub(super) struct Lives {
    pub(super) tag: Tag,
    pub(super) thread: Arc<Thread>,
    pub(super) links: Links,
    /// The actor, which may live more than once.
    pub(super) actor: Turn,
    pub(super) deadlines: Arc<Deadlines>,
    pub(super) signal: ShutdownSignal,
    pub(super) retiring: bool,
    /// Whether it has been started again.
    pub(super) again: bool,
    /// Whether its actor rests, to be woken by the next message.
    pub(super) rests: bool,
}

/// The account of a service's restarts.
pub(super) struct Restarts {
    intensity: Intensity,
    backoff: Backoff,
    healthy_after: Duration,
    /// Failed lives in a row: none of them was healthy.
    failed: u32,
    /// Since when it has been up.
    up: Option<Duration>,
    /// How many the rules count.
    counted: u32,
}

impl Seat {
    pub(super) fn new(candidate: Candidate) -> Self {
        let Candidate { id, kind, dedicated, start, policy, stop_timeout, replacement, branch, .. } =
            candidate;
        Self {
            id,
            kind,
            dedicated,
            start: Some(start),
            restarts: Restarts::new(&policy),
            policy,
            stop_timeout,
            replacement,
            branch,
            lives: None,
            thread: None,
            registry: None,
            resources: Vec::new(),
            life: Turn::default(),
            timer: None,
        }
    }

    /// Whether something told of that actor is told of this service.
    pub(super) fn is_actor(&self, turn: Turn) -> bool {
        self.lives.as_ref().is_some_and(|lives| lives.actor == turn)
    }

    /// How long its stop, or the release of one of its resources, may take while others run.
    pub(super) fn stop_limit(&self) -> Duration {
        self.stop_timeout.unwrap_or(STOP_TIMEOUT)
    }

    /// The latest timer is the only one.
    pub(super) fn set_timer(&mut self, timer: Option<AbortHandle>) {
        if let Some(earlier) = std::mem::replace(&mut self.timer, timer) {
            earlier.abort();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.set_timer(None);
    }
}

impl Restarts {
    fn new(policy: &RestartPolicy) -> Self {
        Self {
            intensity: policy.intensity(),
            backoff: policy.delays(),
            healthy_after: policy.healthy(),
            failed: 0,
            up: None,
            counted: 0,
        }
    }

    /// It is up, from now on.
    pub(super) fn is_up(&mut self, now: Duration) {
        self.up = Some(now);
    }

    /// It failed and is started again.
    pub(super) fn failed(&mut self, now: Duration) {
        self.intensity.take(now);
        self.counted += 1;
        if self.up.take().is_some_and(|since| now - since >= self.healthy_after) {
            self.failed = 0;
        }
    }

    /// How long to wait before the start.
    pub(super) fn delay(&mut self) -> Duration {
        let delay = self.backoff.delay(self.failed, fastrand::f64());
        self.failed = self.failed.saturating_add(1);
        delay
    }

    /// How many have left the period since this was last asked.
    pub(super) fn forgotten(&mut self, now: Duration) -> u32 {
        if self.counted == 0 {
            return 0;
        }
        let used = self.intensity.used(now);
        let forgotten = self.counted.saturating_sub(used);
        self.counted -= forgotten;
        forgotten
    }

    /// How many count at present, and when the oldest of them no longer does.
    pub(super) fn used(&mut self, now: Duration) -> (u32, Option<Duration>) {
        (self.intensity.used(now), self.intensity.resets_at(now))
    }
}
