//! A service in its place: what was handed over, the actor that was made of it, and the life that it leads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::due_times::DueTime;
use super::inbox::Turn;
use super::message_routes::Links;
use super::restart_history::Restarts;
use crate::events::Name;
use crate::lifecycle::Kind;
use crate::manager::api::pending_service::{Candidate, Replacement, Start};
use crate::manager::nested::Branch;
use crate::service::{Deadlines, Registry, ShutdownSignal, Started};
use crate::supervision::{Tag, Thread};

/// How long a stop may take while others run, where its service says nothing else. OTP's default for workers.
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A service on its way.
pub(crate) struct Seat {
    pub(crate) id: Name,
    pub(crate) kind: Kind,
    pub(crate) dedicated: bool,
    pub(crate) start: Option<Start>,
    stop_timeout: Option<Duration>,
    pub(crate) lives: Option<Lives>,
    /// Where its actor lives, or lived: its sockets may outlast it.
    pub(crate) thread: Option<Arc<Thread>>,
    /// Outlives the actor: its resources are released afterwards.
    pub(crate) registry: Option<Arc<Registry>>,
    pub(crate) resources: SmallVec<[Arc<Started>; 1]>,
    /// The life that resources and timers belong to.
    pub(crate) life: Turn,
    /// The timer of its stop, or of the delay of its restart.
    pub(crate) timer: Option<DueTime>,
    pub(crate) restarts: Restarts,
    pub(crate) replacement: Option<Box<Replacement>>,
    pub(crate) branch: Option<Arc<Branch>>,
}

/// A service whose actor was started.
pub(crate) struct Lives {
    pub(crate) tag: Tag,
    pub(crate) thread: Arc<Thread>,
    pub(crate) links: Links,
    /// The actor, which may live more than once.
    pub(crate) actor: Turn,
    pub(crate) deadlines: Arc<Deadlines>,
    pub(crate) signal: ShutdownSignal,
    pub(crate) retiring: bool,
    /// When it was told to come to rest, or to end, in this life.
    pub(crate) ended: Option<Instant>,
    /// Since when its stop has had its time, and is waited for all the same.
    pub(crate) overdue: Option<Instant>,
    /// Whether its actor rests, to be woken by the next message.
    pub(crate) rests: bool,
}

impl Seat {
    pub(crate) fn new(candidate: Candidate) -> Self {
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
    pub(crate) fn is_actor(&self, turn: Turn) -> bool {
        self.lives.as_ref().is_some_and(|lives| lives.actor == turn)
    }

    /// How long its stop, or the release of one of its resources, may take while others run.
    pub(crate) fn stop_limit(&self) -> Duration {
        self.stop_timeout.unwrap_or(STOP_TIMEOUT)
    }
}
