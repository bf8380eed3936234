//! What an observer knows of a manager: who was sent what, what is open, what has been told.
//!
//! It is the ghost history of the checks, kept no larger than the promises need, since each bit of it
//! multiplies the states to be visited.

use std::sync::Arc;

use super::super::io::Input;
use super::super::names::{Kind, ResourceIx, ServiceIx, Step};
use super::super::spec::{RestartMode, Spec};

use super::handovers::Handing;
use super::leases::Tenure;
use super::reloads::Reloading;
use super::watched::{Hold, Life, MOST_RESOURCES, Once, Pressure, Seen, Transition, Watched, Way};

fn watched(spec: &Spec) -> Watched {
    let tenure = if spec.leased { Tenure::Unchecked } else { Tenure::Unneeded };
    Watched { tenure, ..Watched::new(spec.kind) }
}

/// The history of one manager, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) specs: Arc<Vec<Spec>>,
    pub(super) services: Vec<Watched>,
    pub(super) started: bool,
    /// `Running` was announced.
    pub(super) running: bool,
    /// Somebody was sent `Run`, or `Running` was announced.
    pub(super) launched: bool,
    /// `ShutdownRequested` was announced.
    pub(super) requested: bool,
    /// No failed set-up was its cause.
    pub(super) cancels: bool,
    /// From `Draining` to `Drained`.
    pub(super) draining: Once,
    pub(super) drain_delay: Once,
    pub(super) last_call: Once,
    /// The drain delay is over, or there was none.
    pub(super) drained_enough: bool,
    /// Shares of the time: all, and those spent.
    pub(super) shares: u32,
    pub(super) shares_spent: u32,
    /// Orders of users.
    pub(super) orders: u8,
    pub(super) reloading: Reloading,
    pub(super) handing: Handing,
    pub(super) releasing: bool,
    pub(super) stopped: bool,
    /// The process has ended: nothing follows.
    pub(super) exited: bool,
    pub(super) pressure: Pressure,
    pub(super) signals: u8,
}

impl World {
    pub(super) fn new(specs: impl IntoIterator<Item = Spec>) -> Self {
        let specs: Vec<Spec> = specs.into_iter().collect();
        Self {
            services: specs.iter().map(watched).collect(),
            specs: Arc::new(specs),
            started: false,
            running: false,
            launched: false,
            requested: false,
            cancels: false,
            drained_enough: false,
            shares: 0,
            shares_spent: 0,
            orders: 0,
            reloading: Reloading::new(),
            handing: Handing::new(),
            draining: Once::NotYet,
            drain_delay: Once::NotYet,
            last_call: Once::NotYet,
            releasing: false,
            stopped: false,
            exited: false,
            pressure: Pressure::None,
            signals: 0,
        }
    }

    pub(super) fn get(&self, ix: ServiceIx) -> &Watched {
        &self.services[ix.0 as usize]
    }

    pub(super) fn at(&mut self, ix: ServiceIx) -> &mut Watched {
        &mut self.services[ix.0 as usize]
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (ServiceIx, &Watched)> {
        self.services.iter().enumerate().map(|(ix, service)| (ServiceIx(ix as u32), service))
    }

    pub(super) fn hold(&self, resource: ResourceIx) -> Hold {
        self.get(resource.service).holds()[resource.index as usize]
    }

    /// Whether it may tell that it accepts connections.
    pub(super) fn may_serve(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        service.kind.accepts() && service.is_open(Step::Run)
    }

    /// Whether every server that is to run has told that it accepts connections, or tells so now.
    pub(super) fn all_accept(&self, input: Input) -> bool {
        let awaited = |service: &Watched| service.kind.accepts() && service.wanted && !service.vacant;
        let apart = |(ix, service): (ServiceIx, &Watched)| self.waits(ix) || service.stands_by_or_out();
        let mut awaited = self.each().filter(|&(ix, service)| awaited(service) && !apart((ix, service)));
        awaited.all(|(ix, service)| service.serving || input == Input::Serving(ix))
    }

    /// Whether services were let run.
    pub(super) fn launched(&self) -> bool {
        self.launched
    }

    pub(super) fn all_set_up(&self) -> bool {
        let registered =
            |service: &Watched| !service.kind.registers() || service.step(Step::Register) == Seen::Ok;
        self.each().all(|(ix, service)| {
            service.is_up() || service.stands_by() || (self.waits(ix) && registered(service))
        })
    }

    /// The manager was started, and nothing has asked for the shutdown.
    pub(super) fn is_active(&self) -> bool {
        self.started && !self.requested
    }

    /// All stores have been asked, and the server's port is bound, or there is no server: others may start.
    pub(super) fn port_is_bound(&self) -> bool {
        let mut services = self.services.iter();
        !self.waits_for_checks()
            && services.all(|service| service.kind != Kind::Server || service.step(Step::Setup) == Seen::Ok)
    }

    /// Everybody was let run, and nothing has asked for the shutdown.
    pub(super) fn is_up(&self) -> bool {
        self.launched() && !self.requested
    }

    pub(super) fn spec(&self, ix: ServiceIx) -> &Spec {
        &self.specs[ix.0 as usize]
    }

    /// A service more, in a vacant place or in a new one.
    pub(super) fn add(&mut self, ix: ServiceIx, spec: Spec) {
        let watched = watched(&spec);
        let specs = Arc::make_mut(&mut self.specs);
        match self.services.get_mut(ix.0 as usize) {
            Some(vacant) => {
                *vacant = Watched { lives: vacant.lives + 1, ..watched };
                specs[ix.0 as usize] = spec;
            }
            None => {
                self.services.push(watched);
                specs.push(spec);
            }
        }
        self.wait_if_marked(ix);
    }

    /// Who depends on a service; `bound`: only those who go down with it.
    pub(super) fn dependents(&self, ix: ServiceIx, bound: bool) -> impl Iterator<Item = &Watched> {
        let depends = move |spec: &Spec| {
            spec.depends_on.iter().any(|dependency| dependency.on == ix && !(bound && dependency.survives))
        };
        let all = self.specs.iter().zip(&self.services);
        all.filter(move |(spec, watched)| depends(spec) && !watched.vacant).map(|(_, watched)| watched)
    }

    /// Whether a failure of the service leads to a restart.
    pub(super) fn may_restart(&self, ix: ServiceIx) -> bool {
        let (spec, service) = (self.spec(ix), self.get(ix));
        let budget = spec.most_restarts.is_none_or(|most| u32::from(service.restarts) < most);
        self.can_start_again(ix) && budget
    }

    /// Whether a failure of the service, which is in its set-up, leads to another.
    pub(super) fn may_retry_setup(&self, ix: ServiceIx) -> bool {
        let (most, service) = (self.spec(ix).most_setup_retries, self.get(ix));
        let budget = most.is_none_or(|most| u32::from(service.setup_retries) < most);
        let in_set_up = self.is_active() && service.way == Way::On && service.is_open(Step::Setup);
        in_set_up && budget && self.can_start_again(ix)
    }

    fn can_start_again(&self, ix: ServiceIx) -> bool {
        self.spec(ix).restartable && !matches!(self.get(ix).life, Life::Forced | Life::Gone)
    }

    pub(super) fn restarts_on_failure(&self, ix: ServiceIx) -> bool {
        self.spec(ix).mode != RestartMode::Never && self.may_restart(ix)
    }

    /// Whether a service that goes down is to come back.
    pub(super) fn must_return(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        self.is_active() && service.is_leaving() && service.wanted
    }

    /// How many stop before a service, one after the other: as of the shutdown's beginning.
    pub(super) fn take_turns(&mut self) {
        // Whoever is behind another moves on, until nobody is: no way is longer than there are services.
        for _ in 0..self.services.len() {
            let mut moved = false;
            for at in 0..self.services.len() {
                if self.services[at].vacant {
                    continue;
                }
                let behind = self.services[at].level + 1;
                for dependency in &self.specs[at].depends_on {
                    let on = &mut self.services[dependency.on.0 as usize];
                    moved |= on.level < behind;
                    on.level = on.level.max(behind);
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// Whether the input speaks of services and resources that exist.
    pub(super) fn knows(&self, input: Input) -> bool {
        let Some((ix, resource)) = input.subject() else { return true };
        let service = self.services.get(ix.0 as usize).filter(|service| !service.vacant);
        service.is_some_and(|service| resource.is_none_or(|index| (index as usize) < service.holds().len()))
    }

    /// How far everything has come. It never shrinks, and it is bounded, as restarts and orders are: an input that changes
    /// anything must let it grow, or else there could be a path without an end.
    pub(super) fn rank(&self) -> usize {
        let flags = [
            self.started,
            self.running,
            self.requested,
            self.drained_enough,
            self.releasing,
            self.stopped,
            self.exited,
        ];
        let onces = [self.draining, self.drain_delay, self.last_call];
        let of = |service: &Watched| {
            let steps = service.steps.map(|step| (step as usize).min(2));
            let holds = service.holds().iter().map(|&hold| 1 + hold as usize).sum::<usize>();
            let flags =
                [service.signalled, service.removed, service.vacant, service.serving].map(usize::from);
            let tried = service.restarts + service.setup_retries;
            let forgotten = service.forgotten + service.setup_retries_forgotten;
            let again = usize::from(service.lives + service.returns + service.stays)
                + usize::from(tried)
                + 2 * usize::from(forgotten);
            let way = service.way as usize + service.closing as usize + service.delay as usize;
            service.life as usize
                + service.part as usize
                + service.tenure as usize
                + service.yielding as usize
                + steps.iter().sum::<usize>()
                + holds
                + flags.iter().sum::<usize>()
                + way
                + 1000 * again
        };
        flags.iter().map(|&flag| usize::from(flag)).sum::<usize>()
            + onces.iter().map(|&once| once as usize).sum::<usize>()
            + self.reloading.rank()
            + self.handing.rank()
            + self.pressure as usize
            + usize::from(self.signals)
            + self.shares_spent as usize
            + 10_000 * usize::from(self.orders)
            + self.services.iter().map(of).sum::<usize>()
    }
}
