//! A service before it is started, whatever its type.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Recipient};

use super::nested::Branch;
use crate::error::{BoxError, ConfigError};
use crate::events::Name;
use crate::grpc::{GrpcService, RegisterOnServer};
use crate::lifecycle::{Dependency, Kind, RestartMode, ServiceIx, Spec, start_order};
use crate::service::{GenericService, RestartPolicy, Run, Service, ServiceSpec, Setup, Shutdown};
use crate::supervision::{Control, Lane, Observer, Request, Tag, Thread, launch};

/// A service that can be started.
pub(super) struct Candidate {
    pub(super) id: Name,
    pub(super) kind: Kind,
    pub(super) dedicated: bool,
    pub(super) start: Start,
    pub(super) policy: RestartPolicy,
    pub(super) restartable: bool,
    pub(super) stop_timeout: Option<Duration>,
    pub(super) depends_on: Vec<Name>,
    pub(super) survives: Vec<Name>,
    pub(super) replacement: Option<Replacement>,
    pub(super) branch: Option<Arc<Branch>>,
}

/// How to start another actor in place of one that is stuck.
pub(super) struct Replacement {
    /// How long a poll may last.
    pub(super) limit: Duration,
    pub(super) start: Box<dyn Fn() -> Start + Send>,
}

pub(super) type Start = Box<dyn FnOnce(&Thread, Tag, Observer) -> Links + Send>;

/// How to reach a service that was started.
pub(super) struct Links {
    pub(super) control: Arc<Control>,
    pub(super) register: Option<Recipient<RegisterOnServer>>,
    pub(super) setup: Recipient<Setup>,
    pub(super) main: Option<MainLoop>,
    /// How a service that is started again hears of it before what is queued.
    pub(super) first: First,
}

/// How to reach a main loop.
#[derive(Clone)]
pub(super) struct MainLoop {
    pub(super) run: Recipient<Run>,
    pub(super) shutdown: Recipient<Shutdown>,
}

/// Messages that are handled before those in the mailbox.
pub(super) struct First {
    pub(super) setup: Sooner<Setup>,
    pub(super) run: Option<Sooner<Run>>,
}

/// Makes a request of a message that is made where it is received.
pub(super) type Sooner<M> = Box<dyn Fn(Box<dyn FnOnce() -> M + Send>) -> Request + Send>;

impl Candidate {
    pub(super) fn generic<A: GenericService>(spec: ServiceSpec<A>, kind: Kind) -> Self {
        Self::new(spec, kind, |_| None, main_loop, |lane| Some(sooner(lane)))
    }

    pub(super) fn grpc<A: GrpcService>(spec: ServiceSpec<A>) -> Self {
        Self::new(spec, Kind::Grpc, registers, |_| None, |_| None)
    }

    pub(super) fn both<A: GrpcService + GenericService>(spec: ServiceSpec<A>) -> Self {
        Self::new(spec, Kind::Both, registers, main_loop, |lane| Some(sooner(lane)))
    }

    fn new<A: Service>(
        spec: ServiceSpec<A>,
        kind: Kind,
        register: fn(&Addr<A>) -> Option<Recipient<RegisterOnServer>>,
        main: fn(&Addr<A>) -> Option<MainLoop>,
        run: fn(&Lane<A>) -> Option<Sooner<Run>>,
    ) -> Self {
        let restart = spec.restart;
        let start = move |make: Box<dyn FnOnce() -> A + Send>| -> Start {
            Box::new(move |thread, tag, observer| {
                let (addr, control, lane) = launch(thread, tag, make, observer, restart);
                let first = First { setup: sooner(&lane), run: run(&lane) };
                Links {
                    control,
                    register: register(&addr),
                    main: main(&addr),
                    setup: addr.recipient(),
                    first,
                }
            })
        };
        let replacement = spec.replacement.map(|replacement| {
            let make = replacement.make;
            let another = move || {
                let make = Arc::clone(&make);
                start(Box::new(move || make.lock().unwrap_or_else(PoisonError::into_inner)()))
            };
            Replacement { limit: replacement.limit, start: Box::new(another) }
        });
        Self {
            id: spec.id,
            kind,
            dedicated: spec.dedicated,
            start: start(spec.make),
            policy: spec.policy,
            restartable: restart.is_some(),
            stop_timeout: spec.stop_timeout,
            depends_on: spec.depends_on,
            survives: spec.survives,
            replacement,
            branch: spec.branch,
        }
    }

    /// Whether what was said of it can work, in a manager whose services have so long to stop.
    pub(super) fn check(&self, services_time: Option<Duration>) -> Result<(), ConfigError> {
        if let Some(replacement) = &self.replacement {
            let refused = |reason| ConfigError::Replacement { service: self.id.to_string(), reason };
            if self.policy.mode() == RestartMode::Never {
                return Err(refused("it is never restarted: give it a RestartPolicy by restart(..)"));
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
            let nested = |error| ConfigError::Nested { service: self.id.to_string(), error: Box::new(error) };
            branch.plan().map_err(nested)?;
        }
        self.policy.check().map_err(|error| ConfigError::Restart(self.id.to_string(), error))?;
        match (self.stop_timeout, services_time) {
            (Some(timeout), Some(time)) if timeout > time => {
                Err(ConfigError::StopTimeout { service: self.id.to_string(), timeout, time })
            }
            _ => Ok(()),
        }
    }

    /// What the rules are to know of it. `place` tells where a service is, `restarts` whether it may be restarted.
    pub(super) fn spec(
        &self,
        place: impl Fn(&Name) -> Option<ServiceIx>,
        restarts: impl Fn(ServiceIx) -> bool,
    ) -> Result<Spec, ConfigError> {
        let service = || self.id.to_string();
        let unknown = |on: &Name| ConfigError::UnknownDependency { service: service(), on: on.to_string() };
        if let Some(on) = self.survives.iter().find(|on| !self.depends_on.contains(on)) {
            return Err(ConfigError::SurvivesStranger { service: service(), on: on.to_string() });
        }
        let mut depends_on: Vec<Dependency> = Vec::new();
        for name in &self.depends_on {
            let on = place(name).ok_or_else(|| unknown(name))?;
            let survives = self.survives.contains(name) || self.kind == Kind::Server;
            if !survives && !self.restartable && restarts(on) {
                return Err(ConfigError::CannotFollow { service: service(), on: name.to_string() });
            }
            if depends_on.iter().all(|known| known.on != on) {
                depends_on.push(Dependency { on, survives });
            }
        }
        Ok(Spec {
            kind: self.kind,
            mode: self.policy.mode(),
            most_restarts: self.policy.most(),
            restartable: self.restartable,
            stop_limit: self.stop_timeout.is_some(),
            depends_on,
        })
    }
}

/// What the rules are to know of all candidates, whose dependencies must form no cycle.
pub(super) fn specs(candidates: &[&Candidate]) -> Result<Vec<Spec>, ConfigError> {
    let places: HashMap<&Name, ServiceIx> =
        candidates.iter().enumerate().map(|(at, candidate)| (&candidate.id, ServiceIx(at as u32))).collect();
    let restarts = |ix: ServiceIx| candidates[ix.0 as usize].policy.mode() != RestartMode::Never;
    let specs = candidates.iter().map(|candidate| candidate.spec(|on| places.get(on).copied(), restarts));
    let specs: Vec<Spec> = specs.collect::<Result<_, _>>()?;
    let needs: Vec<Vec<usize>> =
        specs.iter().map(|spec| spec.depends_on.iter().map(|on| on.on.0 as usize).collect()).collect();
    match start_order(&needs) {
        Ok(_) => Ok(specs),
        Err(cycle) => {
            let mut way: Vec<&str> = cycle.iter().map(|&at| &*candidates[at].id).collect();
            way.extend(way.first().copied());
            Err(ConfigError::DependencyCycle(way.join(" -> ")))
        }
    }
}

fn sooner<A, M>(lane: &Lane<A>) -> Sooner<M>
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: actix::Message<Result = Result<(), BoxError>> + Send + 'static,
{
    let lane = lane.clone();
    Box::new(move |message| lane.request(message))
}

fn registers<A: GrpcService>(addr: &Addr<A>) -> Option<Recipient<RegisterOnServer>> {
    Some(addr.clone().recipient())
}

fn main_loop<A: GenericService>(addr: &Addr<A>) -> Option<MainLoop> {
    Some(MainLoop { run: addr.clone().recipient(), shutdown: addr.clone().recipient() })
}
