//! What an observer knows of a manager: who was sent what, what is open, what has been told.
//!
//! It is the ghost history of the checks, kept no larger than the promises need, since each bit of it
//! multiplies the states to be visited.

use super::super::io::Input;
use super::super::names::{Kind, ResourceIx, ServiceIx, Step};

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
    Retired,
    Forced,
    Gone,
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
    pub(super) steps: [Seen; Step::ALL.len()],
    count: u8,
    holds: [Hold; MOST_RESOURCES],
}

impl Watched {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            life: Life::Unborn,
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

    pub(super) fn is_settled(&self) -> bool {
        !self.steps.contains(&Seen::Open)
    }

    pub(super) fn lives(&self) -> bool {
        !matches!(self.life, Life::Unborn | Life::Gone)
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
    pub(super) services: Vec<Watched>,
    pub(super) started: bool,
    /// `Running` was announced.
    pub(super) running: bool,
    /// `ShutdownRequested` was announced.
    pub(super) requested: bool,
    /// `ShutdownSignal::requested` was resolved.
    pub(super) signalled: bool,
    /// From `Draining` to `Drained`.
    pub(super) draining: Once,
    pub(super) drain_delay: Once,
    pub(super) last_call: Once,
    /// From `CloseResources` to `ResourcesClosed`.
    pub(super) closing: Once,
    pub(super) releasing: bool,
    pub(super) stopped: bool,
    /// The process has ended: nothing follows.
    pub(super) exited: bool,
    pub(super) pressure: Pressure,
    pub(super) signals: u8,
}

impl World {
    pub(super) fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        Self {
            services: kinds.into_iter().map(Watched::new).collect(),
            started: false,
            running: false,
            requested: false,
            signalled: false,
            draining: Once::NotYet,
            drain_delay: Once::NotYet,
            last_call: Once::NotYet,
            closing: Once::NotYet,
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
        self.running || self.services.iter().any(|service| service.step(Step::Run) != Seen::Unsent)
    }

    pub(super) fn all_set_up(&self) -> bool {
        self.services.iter().all(|service| service.step(Step::Setup) == Seen::Ok)
    }

    /// Whether the input speaks of services and resources that exist.
    pub(super) fn knows(&self, input: Input) -> bool {
        let service = |ix: ServiceIx| self.services.get(ix.0 as usize);
        match input {
            Input::Answered(ix, ..)
            | Input::Panicked(ix)
            | Input::Gone(ix, _)
            | Input::ResourceStarted(ix) => service(ix).is_some(),
            Input::Released(r, _) | Input::ResourcePanicked(r) | Input::ResourceGone(r, _) => {
                service(r.service).is_some_and(|s| (r.index as usize) < s.holds().len())
            }
            _ => true,
        }
    }

    /// How far everything has come. It never shrinks, and it is bounded: an input that changes anything
    /// must let it grow, or else there could be a path without an end.
    pub(super) fn rank(&self) -> usize {
        let flags = [
            self.started,
            self.running,
            self.requested,
            self.signalled,
            self.releasing,
            self.stopped,
            self.exited,
        ];
        let onces = [self.draining, self.drain_delay, self.last_call, self.closing];
        let of = |service: &Watched| {
            let steps = service.steps.map(|step| (step as usize).min(2));
            let holds = service.holds().iter().map(|&hold| 1 + hold as usize).sum::<usize>();
            service.life as usize + steps[0] + steps[1] + steps[2] + steps[3] + holds
        };
        flags.iter().map(|&flag| usize::from(flag)).sum::<usize>()
            + onces.iter().map(|&once| once as usize).sum::<usize>()
            + self.pressure as usize
            + usize::from(self.signals)
            + self.services.iter().map(of).sum::<usize>()
    }
}
