//! One process: the production machine, and what others see of it. Its services do what they are told, in any order.

use super::super::super::announcement::Announcement as Told;
use super::super::super::io::{Answer, Command, Departure, Input};
use super::super::super::machine::Machine;
use super::super::super::names::{ResourceIx, ServiceIx, SignalKind, Step};
use super::super::super::service::{Actor, Life, Resource};
use super::super::super::spec::Spec;
use super::super::super::stop_state::Drain;

pub(super) const SERVER: ServiceIx = ServiceIx(0);
pub(super) const EXCLUSIVE: ServiceIx = ServiceIx(2);

/// Whether a process is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Being {
    Alive,
    /// It has come to its end.
    Exited,
    Killed,
}

/// What a process does that concerns the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    StartSuccessor,
    EndSuccessor,
    PassOn,
    /// All of it run.
    Ready,
    /// All of it is released.
    Released,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) machine: Machine,
    pub(super) being: Being,
    /// Whether its server accepts connections; has ever; and was told to give way.
    pub(super) accepts: bool,
    pub(super) has_accepted: bool,
    pub(super) gave_way: bool,
    /// What is left of what exists once: its actor, its resource.
    exclusive: (bool, bool),
    pub(super) ready: bool,
    /// Whether its shutdown has begun, for a cause that was told.
    pub(super) stopping: bool,
    /// It owes an answer to `GiveWay`; times that run.
    owes_give_way: bool,
    timers: (bool, bool),
    /// Whether it may do what only one does at a time for both.
    pub(super) in_charge: bool,
}

impl Process {
    pub(super) fn new(specs: &[Spec], succeeds: bool) -> Self {
        let mut machine = Machine::new(specs.iter().cloned(), true);
        if succeeds {
            machine.succeeds();
        }
        Self {
            machine,
            being: Being::Alive,
            accepts: false,
            has_accepted: false,
            gave_way: false,
            exclusive: (false, false),
            ready: false,
            stopping: false,
            owes_give_way: false,
            timers: (false, false),
            in_charge: !succeeds,
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.being == Being::Alive
    }

    /// Whether something of what exists once is there: from the beginning of its set-up until it is released.
    pub(super) fn holds(&self) -> bool {
        self.is_alive() && (self.exclusive.0 || self.exclusive.1)
    }

    /// Whether it is up, and stays.
    pub(super) fn serves_on(&self) -> bool {
        self.is_alive() && !self.stopping
    }

    /// Whether it does all that the program is for.
    pub(super) fn runs_everything(&self) -> bool {
        let runs = |ix| self.machine.get(ix).is_open(Step::Run) && self.machine.get(ix).life == Life::On;
        let all = self.machine.each().all(runs);
        self.serves_on() && self.ready && self.accepts && self.in_charge && self.holds() && all
    }

    /// What it, its services and its timers may do next, when nothing goes wrong.
    pub(super) fn possible(&self) -> Vec<Input> {
        let mut to = Vec::new();
        for ix in self.machine.each() {
            let service = self.machine.get(ix);
            let open = |&step: &Step| service.is_open(step) && (step != Step::Run || service.asked);
            to.extend(Step::ALL.into_iter().filter(open).map(|step| Input::Answered(ix, step, Answer::Ok)));
            to.extend(match service.actor {
                Actor::Suspending => Some(Input::Suspended(ix, Departure::Dismissed)),
                Actor::Retiring | Actor::Forcing => Some(Input::Gone(ix, Departure::Dismissed)),
                _ => None,
            });
            to.extend((service.life == Life::Delayed).then_some(Input::DelayOver(ix)));
            let released = service.resources.iter().position(|&resource| resource == Resource::Releasing);
            to.extend(
                released.map(|at| Input::Released(ResourceIx { service: ix, index: at as u32 }, Answer::Ok)),
            );
        }
        let server = self.machine.get(SERVER);
        to.extend((server.is_open(Step::Run) && !server.serving).then_some(Input::Serving(SERVER)));
        to.extend(self.owes_give_way.then_some(Input::GaveWay(SERVER)));
        to.extend(self.timers.0.then_some(Input::HandoverTimeout));
        to.extend(self.timers.1.then_some(Input::GiveWayOver));
        to.extend((self.machine.stopping.drain == Drain::Delay).then_some(Input::DrainDelayOver));
        to
    }

    /// What may go wrong in it.
    pub(super) fn failures(&self) -> Vec<Input> {
        let mut to = Vec::new();
        for ix in self.machine.each().filter(|_| !self.stopping) {
            let open = |&step: &Step| self.machine.get(ix).is_open(step);
            to.extend(
                Step::ALL.into_iter().filter(open).map(|step| Input::Answered(ix, step, Answer::Error)),
            );
            let by_itself = self.machine.is_permitted(ix);
            to.extend(by_itself.then_some(Input::StartedOver(ix, Departure::Panicked)));
        }
        to
    }

    pub(super) fn asked_to_stop() -> Input {
        Input::Signal(SignalKind::Terminate)
    }

    /// Takes in what happened, and does what follows. `heeds`: whether it carries a command out.
    pub(super) fn feed(&mut self, input: Input, heeds: impl Fn(&Command) -> bool) -> Vec<Effect> {
        let (mut effects, mut inputs) = (Vec::new(), vec![input]);
        while let Some(input) = inputs.pop() {
            // What is set up has opened its resource by then.
            let set_up = input == Input::Answered(EXCLUSIVE, Step::Setup, Answer::Ok);
            if set_up && self.machine.get(EXCLUSIVE).is_open(Step::Setup) {
                self.machine.step(Input::ResourceStarted(EXCLUSIVE));
                self.exclusive.1 = true;
            }
            self.notice(input);
            let commands = self.machine.step(input);
            for command in commands.iter().filter(|command| heeds(command)) {
                self.obey(command, &mut effects, &mut inputs);
            }
        }
        effects
    }

    /// What an input says of itself.
    fn notice(&mut self, input: Input) {
        match input {
            Input::Serving(SERVER) => (self.accepts, self.has_accepted) = (true, true),
            Input::Suspended(EXCLUSIVE, _) | Input::Gone(EXCLUSIVE, _) => self.exclusive.0 = false,
            Input::Answered(SERVER, Step::Run, _) | Input::Suspended(SERVER, _) | Input::Gone(SERVER, _) => {
                (self.accepts, self.gave_way, self.owes_give_way) = (false, false, false)
            }
            Input::GaveWay(_) => self.owes_give_way = false,
            Input::HandoverTimeout => self.timers.0 = false,
            Input::GiveWayOver => self.timers.1 = false,
            Input::PredecessorGone => self.in_charge = true,
            _ => {}
        }
    }

    fn obey(&mut self, command: &Command, effects: &mut Vec<Effect>, inputs: &mut Vec<Input>) {
        match *command {
            Command::Send(EXCLUSIVE, Step::Setup) => self.exclusive.0 = true,
            Command::Send(SERVER, Step::Shutdown) => self.accepts = false,
            Command::CloseResources(ix) => inputs.push(Input::ResourcesClosed(ix)),
            Command::StartSuccessor => effects.push(Effect::StartSuccessor),
            Command::EndSuccessor => effects.push(Effect::EndSuccessor),
            Command::StartHandoverTimer => self.timers.0 = true,
            Command::StartGiveWayTimer => (self.timers.0, self.timers.1) = (false, true),
            Command::PassOn => effects.push(Effect::PassOn),
            Command::GiveWay(SERVER) => {
                (self.accepts, self.gave_way, self.owes_give_way) = (false, true, true);
            }
            Command::Resume(SERVER) => {
                (self.accepts, self.gave_way, self.owes_give_way) = (true, false, false);
            }
            Command::Announce(ref told) => self.hear(told, effects),
            _ => {}
        }
    }

    fn hear(&mut self, told: &Told, effects: &mut Vec<Effect>) {
        match *told {
            Told::Running => {
                self.ready = true;
                effects.push(Effect::Ready);
            }
            Told::ReleaseFinished { resource, .. } if resource.service == EXCLUSIVE => {
                self.exclusive.1 = false;
            }
            Told::HandoverFinished(_) => self.timers = (false, false),
            Told::ShutdownRequested(_) => self.stopping = true,
            Told::Stopped => effects.push(Effect::Released),
            _ => {}
        }
    }
}
