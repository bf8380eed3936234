//! A service in its place: what was handed over, the actor that was made of it, and the life that it leads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::due_times::DueTime;
use super::inbox::Generation;
use super::message_routes::ActorHandle;
use super::permits::NoticeCount;
use super::restart_history::{RestartHistory, SetupRetries};
use super::slot_lease::SlotLease;
use crate::events::Name;
use crate::grpc::GrpcAddress;
use crate::lifecycle::Kind;
use crate::manager::api::nested_branch::NestedBranch;
use crate::manager::api::pending_service::{PendingService, Replacement, Start};
use crate::server::definition::ServerDefinition;
use crate::service::{Deadlines, Registry, STOP_TIMEOUT, ShutdownSignal, Started};
use crate::supervision::{Tag, Thread};

/// A service on its way.
pub(crate) struct ServiceSlot {
    pub(crate) id: Name,
    pub(crate) kind: Kind,
    pub(crate) dedicated: bool,
    pub(crate) start: Option<Start>,
    pub(crate) stop_timeout: Option<Duration>,
    pub(crate) actor: Option<RunningActor>,
    /// Where its actor lives, or lived: its sockets may outlast it.
    pub(crate) thread: Option<Arc<Thread>>,
    /// Outlives the actor: its resources are released afterwards.
    pub(crate) registry: Option<Arc<Registry>>,
    pub(crate) resources: SmallVec<[Arc<Started>; 1]>,
    /// The life that resources and timers belong to.
    pub(crate) life: Generation,
    /// Its next life, where it is permitted to begin that by itself.
    pub(crate) next_life: Option<Box<ServiceLife>>,
    /// The timer of its stop, or of the delay before its restart or its next set-up.
    pub(crate) timer: Option<DueTime>,
    pub(crate) restarts: RestartHistory,
    /// Where its set-up is tried again.
    pub(crate) setup_retries: Option<Box<SetupRetries>>,
    pub(crate) replacement: Option<Box<Replacement>>,
    pub(crate) critical: bool,
    /// Where it runs on one replica only.
    pub(crate) lease: Option<Box<SlotLease>>,
    pub(crate) branch: Option<Arc<NestedBranch>>,
    /// Where it is a server: what is shared with it, and where it accepts connections.
    pub(crate) server: Option<Arc<dyn ServerDefinition>>,
    pub(crate) addresses: Vec<GrpcAddress>,
}

/// What a service has for one of its lives.
pub(crate) struct ServiceLife {
    pub(crate) generation: Generation,
    pub(crate) deadlines: Arc<Deadlines>,
    pub(crate) signal: ShutdownSignal,
    pub(crate) registry: Arc<Registry>,
}

/// A service whose actor was started.
pub(crate) struct RunningActor {
    pub(crate) tag: Tag,
    pub(crate) thread: Arc<Thread>,
    pub(crate) handle: ActorHandle,
    /// The actor, which may live more than once.
    pub(crate) generation: Generation,
    /// Where it may be permitted to begin lives by itself.
    pub(crate) notices: Option<Arc<NoticeCount>>,
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

impl ServiceSlot {
    pub(crate) fn new(pending: PendingService) -> Self {
        let PendingService {
            id,
            kind,
            dedicated,
            start,
            policy,
            setup_policy,
            stop_timeout,
            replacement,
            critical,
            lease,
            branch,
            server,
            ..
        } = pending;
        Self {
            id,
            kind,
            dedicated,
            start: Some(start),
            restarts: RestartHistory::new(policy),
            setup_retries: SetupRetries::new(setup_policy),
            stop_timeout,
            replacement,
            critical,
            lease: lease.map(|lease| Box::new(SlotLease::new(lease, stop_timeout.unwrap_or(STOP_TIMEOUT)))),
            branch,
            server,
            addresses: Vec::new(),
            actor: None,
            thread: None,
            registry: None,
            resources: SmallVec::new(),
            life: Generation::default(),
            next_life: None,
            timer: None,
        }
    }

    /// Whether something told of that actor is told of this service.
    pub(crate) fn is_actor(&self, generation: Generation) -> bool {
        self.actor.as_ref().is_some_and(|actor| actor.generation == generation)
    }

    /// The epoch of the lease that its life has.
    pub(crate) fn epoch(&self) -> Option<u64> {
        self.lease.as_ref().and_then(|lease| lease.epoch)
    }

    /// How long its stop, or the release of one of its resources, may take while others run.
    pub(crate) fn stop_limit(&self) -> Duration {
        self.stop_timeout.unwrap_or(STOP_TIMEOUT)
    }
}
