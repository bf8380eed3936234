//! A service before it is started, whatever its type.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::base::check_name;
use crate::events::Name;
use crate::grpc::GrpcService;
use crate::http;
use crate::lifecycle::{Dependency, Kind, RestartMode, ServiceIx, Spec, start_order};
use crate::manager::api::nested_branch::NestedBranch;
use crate::manager::engine::message_routes::{ActorHandle, TypedRoutes};
use crate::report::ConfigError;
use crate::server::definition::ServerDefinition;
use crate::server::sockets;
use crate::service::{GenericService, Lease, RestartPolicy, STOP_TIMEOUT, Service, ServiceSpec};
use crate::supervision::{MakeSpan, Observer, Tag, Thread, launch};

/// The least that a service can be given to stop in: it has to be polled, and its answer to be heard.
const LEAST_STOP: Duration = Duration::from_millis(10);

/// How many managers may be in a service, one within the other: each has threads of its own, and to make one takes the stack
/// of all those around it.
const MOST_DEEP: usize = 64;

/// A service that can be started.
pub(crate) struct PendingService {
    pub(crate) id: Name,
    pub(crate) kind: Kind,
    pub(crate) dedicated: bool,
    pub(crate) start: Start,
    pub(crate) policy: RestartPolicy,
    pub(crate) setup_policy: RestartPolicy,
    pub(crate) restartable: bool,
    pub(crate) reloadable: bool,
    pub(crate) reload_at_signal: bool,
    pub(crate) stop_timeout: Option<Duration>,
    pub(crate) depends_on: Vec<Name>,
    pub(crate) survives: Vec<Name>,
    pub(crate) replacement: Option<Box<Replacement>>,
    pub(crate) critical: bool,
    pub(crate) after_handover: bool,
    pub(crate) lease: Option<Lease>,
    pub(crate) branch: Option<Arc<NestedBranch>>,
    /// Where it is a server.
    pub(crate) server: Option<Arc<dyn ServerDefinition>>,
}

/// What matters of a service to those that depend on it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Needed {
    /// Whether it may be restarted by itself.
    pub(crate) restarts: bool,
    pub(crate) after_handover: bool,
    /// Whether it runs on one replica only.
    pub(crate) leased: bool,
}

/// How to start another actor in place of one that is stuck.
pub(crate) struct Replacement {
    /// How long a poll may last.
    pub(crate) limit: Duration,
    pub(crate) start: Box<dyn Fn() -> Start + Send>,
}

pub(crate) type Start = Box<dyn FnOnce(&Thread, Tag, Observer, Option<MakeSpan>) -> ActorHandle + Send>;

impl PendingService {
    pub(crate) fn generic<A: GenericService>(spec: ServiceSpec<A>) -> Self {
        let kind = if spec.server.is_some() { Kind::Listener } else { Kind::Generic };
        Self::new(spec, kind, TypedRoutes::with_main_loop)
    }

    /// The gRPC server.
    pub(crate) fn grpc_server<A: GenericService>(spec: ServiceSpec<A>) -> Self {
        Self::new(spec, Kind::Server, TypedRoutes::with_main_loop)
    }

    pub(crate) fn grpc<A: GrpcService>(spec: ServiceSpec<A>) -> Self {
        Self::new(spec, Kind::Grpc, TypedRoutes::with_grpc)
    }

    pub(crate) fn both<A: GrpcService + GenericService>(spec: ServiceSpec<A>) -> Self {
        Self::new(spec, Kind::Both, |routes| routes.with_grpc().with_main_loop())
    }

    fn new<A: Service>(
        spec: ServiceSpec<A>,
        kind: Kind,
        routes: fn(TypedRoutes<A>) -> TypedRoutes<A>,
    ) -> Self {
        let (restart, reload) = (spec.restart, spec.reload);
        let start = move |make: Box<dyn FnOnce() -> A + Send>| -> Start {
            Box::new(move |thread, tag, observer, span| {
                let (addr, control) = launch(thread, tag, make, observer, restart, span);
                ActorHandle { control, routes: Arc::new(routes(TypedRoutes::new(addr, reload))) }
            })
        };
        let replacement = spec.replacement.map(|replacement| {
            let make = replacement.make;
            let another = move || {
                let make = Arc::clone(&make);
                start(Box::new(move || make.lock().unwrap_or_else(PoisonError::into_inner)()))
            };
            Box::new(Replacement { limit: replacement.limit, start: Box::new(another) })
        });
        Self {
            id: spec.id,
            kind,
            dedicated: spec.dedicated,
            start: start(spec.make),
            policy: spec.policy,
            setup_policy: spec.setup_policy,
            restartable: restart.is_some(),
            reloadable: reload.is_some(),
            reload_at_signal: spec.reload_at_signal,
            stop_timeout: spec.stop_timeout,
            depends_on: spec.depends_on,
            survives: spec.survives,
            replacement,
            critical: spec.critical,
            after_handover: spec.after_handover,
            lease: spec.lease,
            branch: spec.nested.and_then(|nested| nested.downcast().ok()),
            server: spec
                .server
                .and_then(|server| http::definition_of(server).or_else(sockets::definition_of).ok()),
        }
    }

    /// Whether what was said of it can work, in a manager whose services have so long to stop.
    pub(crate) fn check(&self, services_time: Option<Duration>) -> Result<(), ConfigError> {
        check_name(&self.id)
            .map_err(|unfit| ConfigError::UnfitId { id: unfit.shown, reason: unfit.reason })?;
        if let Some(replacement) = &self.replacement {
            let refused = |reason| ConfigError::Replacement { service: self.id.to_string(), reason };
            if self.policy.mode() == RestartMode::Never {
                return Err(refused("it is never restarted: give it a RestartPolicy by restart(..)"));
            }
            if self.lease.is_some() {
                return Err(refused(
                    "it is only_with a lease, and what is stuck would run on beside another replica's: leave one of them out",
                ));
            }
            if self.kind.registers() {
                return Err(refused(
                    "its gRPC methods would go on asking the first: this is for services without them",
                ));
            }
            if replacement.limit.is_zero() {
                return Err(refused("every poll takes longer than no time: allow it some"));
            }
        }
        if let Some(branch) = &self.branch {
            if branch.depth() > MOST_DEEP {
                let (service, most) = (self.id.to_string(), MOST_DEEP);
                return Err(ConfigError::NestedTooDeep { service, depth: branch.depth(), most });
            }
            let nested = |error: &ConfigError| ConfigError::Nested {
                service: self.id.to_string(),
                error: Box::new(error.clone()),
            };
            branch.plan().map_err(nested)?;
        }
        if let Some(server) = &self.server {
            server.check(&self.id)?;
        }
        if self.after_handover && self.kind.accepts() {
            return Err(ConfigError::ServesAfterHandover(self.id.to_string()));
        }
        self.check_lease()?;
        self.policy.check().map_err(|error| ConfigError::Restart(self.id.to_string(), error))?;
        self.setup_policy.check().map_err(|error| ConfigError::RetrySetup(self.id.to_string(), error))?;
        match (self.stop_timeout, services_time) {
            (Some(timeout), _) if timeout < LEAST_STOP => {
                let (service, least) = (self.id.to_string(), LEAST_STOP);
                Err(ConfigError::StopTimeoutTooShort { service, timeout, least })
            }
            (Some(timeout), Some(time)) if timeout > time => {
                Err(ConfigError::StopTimeout { service: self.id.to_string(), timeout, time })
            }
            _ => Ok(()),
        }
    }

    /// Whether its lease can work, and it can stand by.
    fn check_lease(&self) -> Result<(), ConfigError> {
        let Some(lease) = &self.lease else { return Ok(()) };
        let service = self.id.to_string();
        if self.kind.accepts() || self.kind.registers() {
            return Err(ConfigError::ServesWithLease(service));
        }
        match lease.terms(self.stop_timeout.unwrap_or(STOP_TIMEOUT)) {
            Ok(_) => Ok(()),
            Err(error) => Err(ConfigError::Lease { service, error }),
        }
    }

    fn as_needed(&self) -> Needed {
        Needed {
            restarts: self.policy.mode() != RestartMode::Never,
            after_handover: self.after_handover,
            leased: self.lease.is_some(),
        }
    }

    /// What the rules are to know of it. `place` tells where a service is, `about` what matters of one that it depends on.
    pub(crate) fn spec(
        &self,
        place: impl Fn(&Name) -> Option<ServiceIx>,
        about: impl Fn(ServiceIx) -> Needed,
    ) -> Result<Spec, ConfigError> {
        let service = || self.id.to_string();
        let unknown = |on: &Name| ConfigError::UnknownDependency { service: service(), on: on.to_string() };
        if let Some(on) = self.survives.iter().find(|on| !self.depends_on.contains(on)) {
            return Err(ConfigError::SurvivesNonDependency { service: service(), on: on.to_string() });
        }
        let mut depends_on: Vec<Dependency> = Vec::new();
        for name in &self.depends_on {
            let on = place(name).ok_or_else(|| unknown(name))?;
            let survives = self.survives.contains(name) || self.kind == Kind::Server;
            let needed = about(on);
            if !survives && !self.restartable && needed.restarts {
                return Err(ConfigError::CannotFollow { service: service(), on: name.to_string() });
            }
            if needed.leased {
                return Err(ConfigError::NeedsLeased { service: service(), on: name.to_string() });
            }
            // The gRPC server's port is what is handed over.
            if needed.after_handover && !self.after_handover && self.kind != Kind::Server {
                return Err(ConfigError::BeforeHandover { service: service(), on: name.to_string() });
            }
            if depends_on.iter().all(|known| known.on != on) {
                depends_on.push(Dependency { on, survives });
            }
        }
        Ok(Spec {
            kind: self.kind,
            mode: self.policy.mode(),
            most_restarts: self.policy.restarts_allowed(),
            most_setup_retries: self.setup_policy.allowed_by_itself(),
            restartable: self.restartable,
            at_once: self.policy.is_at_once(),
            stop_limit: self.stop_timeout.is_some(),
            reloadable: self.reloadable,
            after_handover: self.after_handover,
            leased: self.lease.is_some(),
            depends_on,
        })
    }
}

/// What the rules are to know of all candidates, whose dependencies must form no cycle.
pub(crate) fn specs(pending_services: &[&PendingService]) -> Result<Vec<Spec>, ConfigError> {
    let places: HashMap<&Name, ServiceIx> = pending_services
        .iter()
        .enumerate()
        .map(|(at, pending)| (&pending.id, ServiceIx(at as u32)))
        .collect();
    let about = |ix: ServiceIx| pending_services[ix.0 as usize].as_needed();
    let specs = pending_services.iter().map(|pending| pending.spec(|on| places.get(on).copied(), about));
    let specs: Vec<Spec> = specs.collect::<Result<_, _>>()?;
    let needs: Vec<Vec<usize>> =
        specs.iter().map(|spec| spec.depends_on.iter().map(|on| on.on.0 as usize).collect()).collect();
    match start_order(&needs) {
        Ok(_) => Ok(specs),
        Err(cycle) => {
            let mut way: Vec<&str> = cycle.iter().map(|&at| &*pending_services[at].id).collect();
            way.extend(way.first().copied());
            Err(ConfigError::DependencyCycle(way.join(" -> ")))
        }
    }
}
