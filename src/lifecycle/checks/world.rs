//! What an observer knows of a manager: who was sent what, what is open, what has been told.
//!
//! It is the ghost history of the checks, kept no larger than the promises need, since each bit of it
//! multiplies the states to be visited.

use std::sync::Arc;

use super::super::io::Input;
use super::super::names::{Kind, ResourceIx, ServiceIx, Step};
use super::super::spec::{RestartMode, Spec};

/// More resources than any service of the checks starts.
pub(super) const MOST_RESOURCES: usize = 6;

/// A step of a service, as its messages and announcements show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Seen {
    Unsent,
    Open,
    Ok,
    Failed,
}

/// A service's actor, as commands and `Gone` show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Life {
    Unborn,
    Alive,
    Suspending,
    Resting,
    Retired,
    Forced,
    Gone,
}

/// Where a service goes while the manager runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Way {
    /// Not begun.
    Down,
    On,
    /// Asked to go down; cut off, since it failed.
    Asked,
    AtOnce,
}

/// What is announced as begun, and not yet as finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Passage {
    None,
    Restart,
    Stop,
    Addition,
}

/// A resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Hold {
    Alive,
    Asked,
    Forced,
    Over,
}

/// A timer, or anything else that is begun once and over once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Once {
    NotYet,
    Pending,
    Done,
}

/// How late it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Pressure {
    None,
    Reserve,
    Deadline,
}

/// One service and its resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Watched {
    pub(super) kind: Kind,
    pub(super) life: Life,
    pub(super) way: Way,
    pub(super) passage: Passage,
    /// Whether it is to come back when it is down.
    pub(super) wanted: bool,
    pub(super) removed: bool,
    pub(super) vacant: bool,
    /// `ShutdownSignal::requested` was resolved, in this life.
    pub(super) signalled: bool,
    /// From `CloseResources` to `ResourcesClosed`, in this life.
    pub(super) closing: Once,
    /// Of its restart.
    pub(super) delay: Once,
    /// Whether it failed, so that a delay is due.
    pub(super) owes_delay: bool,
    pub(super) stop_timer: bool,
    /// Restarts that its budget counts.
    pub(super) restarts: u8,
    pub(super) forgotten: u8,
    pub(super) lives: u8,
    /// How many stop before it, one after the other.
    pub(super) level: u32,
    /// Something of it was cut off, in this life.
    pub(super) cut: bool,
    pub(super) steps: [Seen; Step::ALL.len()],
    count: u8,
    holds: [Hold; MOST_RESOURCES],
}

impl Watched {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            life: Life::Unborn,
            way: Way::Down,
            passage: Passage::None,
            wanted: true,
            removed: false,
            vacant: false,
            signalled: false,
            closing: Once::NotYet,
            delay: Once::NotYet,
            owes_delay: false,
            stop_timer: false,
            restarts: 0,
            forgotten: 0,
            lives: 0,
            level: 0,
            cut: false,
            steps: [Seen::Unsent; Step::ALL.len()],
            count: 0,
            holds: [Hold::Alive; MOST_RESOURCES],
        }
    }

    pub(super) fn step(&self, step: Step) -> Seen {
        self.steps[step as usize]
    }

    pub(super) fn is_open(&self, step: Step) -> bool {
        self.step(step) == Seen::Open
    }

    pub(super) fn is_being_set_up(&self) -> bool {
        self.is_open(Step::Register) || self.is_open(Step::Setup)
    }

    pub(super) fn is_settled(&self) -> bool {
        !self.steps.contains(&Seen::Open)
    }

    pub(super) fn lives(&self) -> bool {
        !matches!(self.life, Life::Unborn | Life::Gone)
    }

    pub(super) fn rests(&self) -> bool {
        matches!(self.life, Life::Unborn | Life::Resting | Life::Gone)
    }

    pub(super) fn is_up(&self) -> bool {
        self.way == Way::On && self.step(Step::Setup) == Seen::Ok
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.way, Way::Asked | Way::AtOnce)
    }

    pub(super) fn is_cleared(&self) -> bool {
        self.holds().iter().all(|&hold| hold == Hold::Over)
    }

    /// Nothing of it is there any more, or yet.
    pub(super) fn is_down(&self) -> bool {
        // What was at rest, and leaves for good, is dropped without another word.
        let rests = self.rests() || (self.removed && self.life == Life::Retired);
        let left = self.is_leaving() && rests && self.is_settled();
        self.way == Way::Down || (left && self.closing == Once::Done && self.is_cleared())
    }

    /// While others run: what it depends on must wait for it before it is asked to stop.
    pub(super) fn leans(&self) -> bool {
        let done = self.is_settled() && (self.signalled || self.way == Way::AtOnce);
        !(self.is_down() || self.is_leaving() && done)
    }

    /// It is asked and has nothing left to do.
    pub(super) fn is_done(&self) -> bool {
        self.signalled && self.is_settled()
    }

    /// A new life.
    pub(super) fn start_over(&mut self) {
        let register = self.steps[Step::Register as usize];
        self.steps = [Seen::Unsent; Step::ALL.len()];
        self.steps[Step::Register as usize] = register;
        (self.count, self.holds) = (0, [Hold::Alive; MOST_RESOURCES]);
        (self.closing, self.delay) = (Once::NotYet, Once::NotYet);
        (self.signalled, self.stop_timer, self.cut) = (false, false, false);
        self.lives += 1;
    }

    pub(super) fn holds(&self) -> &[Hold] {
        &self.holds[..self.count as usize]
    }

    pub(super) fn hold(&mut self, index: u32) -> &mut Hold {
        &mut self.holds[..self.count as usize][index as usize]
    }

    pub(super) fn add_hold(&mut self) -> u32 {
        self.count += 1;
        u32::from(self.count) - 1
    }
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
            services: specs.iter().map(|spec| Watched::new(spec.kind)).collect(),
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

    pub(super) fn has_server(&self) -> bool {
        self.services.iter().any(|service| service.kind == Kind::Server)
    }

    /// Whether services were let run.
    pub(super) fn launched(&self) -> bool {
        self.launched
    }

    pub(super) fn all_set_up(&self) -> bool {
        self.services.iter().all(|service| service.step(Step::Setup) == Seen::Ok)
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
        let watched = Watched::new(spec.kind);
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
        spec.restartable && budget && !matches!(service.life, Life::Forced | Life::Gone)
    }

    pub(super) fn restarts_on_failure(&self, ix: ServiceIx) -> bool {
        self.spec(ix).mode != RestartMode::Never && self.may_restart(ix)
    }

    /// Whether a service that goes down is to come back.
    pub(super) fn must_return(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        self.is_up() && service.is_leaving() && service.wanted
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
        let service = |ix: ServiceIx| self.services.get(ix.0 as usize).filter(|service| !service.vacant);
        match input {
            Input::Answered(ix, ..)
            | Input::Panicked(ix)
            | Input::Suspended(ix, _)
            | Input::Gone(ix, _)
            | Input::ResourceStarted(ix)
            | Input::ResourcesClosed(ix)
            | Input::StopAsked(ix)
            | Input::RestartAsked(ix)
            | Input::RemoveAsked(ix)
            | Input::Added(ix)
            | Input::DelayOver(ix)
            | Input::RestartsForgotten(ix, _)
            | Input::StopTimeout(ix) => service(ix).is_some(),
            Input::Released(r, _) | Input::ResourcePanicked(r) | Input::ResourceGone(r, _) => {
                service(r.service).is_some_and(|s| (r.index as usize) < s.holds().len())
            }
            _ => true,
        }
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
            let flags = [service.signalled, service.removed, service.vacant].map(usize::from);
            let again = usize::from(service.lives)
                + usize::from(service.restarts)
                + 2 * usize::from(service.forgotten);
            let way = service.way as usize + service.closing as usize + service.delay as usize;
            service.life as usize
                + steps.iter().sum::<usize>()
                + holds
                + flags.iter().sum::<usize>()
                + way
                + 1000 * again
        };
        flags.iter().map(|&flag| usize::from(flag)).sum::<usize>()
            + onces.iter().map(|&once| once as usize).sum::<usize>()
            + self.pressure as usize
            + usize::from(self.signals)
            + self.shares_spent as usize
            + 10_000 * usize::from(self.orders)
            + self.services.iter().map(of).sum::<usize>()
    }
}
