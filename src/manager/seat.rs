//! A service in its place: what was handed over, the actor that was made of it, and the life that it leads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::candidate::{Candidate, Replacement, Start};
use super::due_times::DueTime;
use super::links::Links;
use super::nested::Branch;
use super::restarts::Restarts;
use super::told::Turn;
use crate::events::Name;
use crate::lifecycle::Kind;
use crate::service::{Deadlines, Registry, ShutdownSignal, Started};
use crate::supervision::{Tag, Thread};

/// How long a stop may take while others run, where its service says nothing else. OTP's default for workers.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A service on its way.
pub(super) struct Seat {
    pub(super) id: Name,
    pub(super) kind: Kind,
    pub(super) dedicated: bool,
    pub(super) start: Option<Start>,
    stop_timeout: Option<Duration>,
    pub(super) lives: Option<Lives>,
    /// Where its actor lives, or lived: its sockets may outlast it.
    pub(super) thread: Option<Arc<Thread>>,
    /// Outlives the actor: its resources are released afterwards.
    pub(super) registry: Option<Arc<Registry>>,
    pub(super) resources: SmallVec<[Arc<Started>; 1]>,
    /// The life that resources and timers belong to.
    pub(super) life: Turn,
    /// The timer of its stop, or of the delay of its restart.
    pub(super) timer: Option<DueTime>,
    pub(super) restarts: Restarts,
    pub(super) replacement: Option<Box<Replacement>>,
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
    /// When it was told to come to rest, or to end, in this life.
    pub(super) ended: Option<Instant>,
    /// Since when its stop has had its time, and is waited for all the same.
    pub(super) overdue: Option<Instant>,
    /// Whether its actor rests, to be woken by the next message.
    pub(super) rests: bool,
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
            restarts: Restarts::new(policy),
            stop_timeout,
            replacement,
            branch,
            lives: None,
            thread: None,
            registry: None,
            resources: SmallVec::new(),
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
}
