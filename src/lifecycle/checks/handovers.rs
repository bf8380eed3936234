//! G24, hand-overs as an observer of one process sees them: what it did about its successor, and who waits for its predecessor. Both
//! processes in one model: [`two_processes`](super::two_processes).

use super::super::handover_names::HandoverEnd;
use super::super::io::{Command, Input};
use super::super::names::{Kind, ServiceIx, Step};
use super::promises::{Guarantee, Verdict, ensure};
use super::watched::{Watched, Way};
use super::world::World;

/// The successor, as commands and inputs show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Successor {
    None,
    Alive,
    Killed,
}

/// What a server was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Yielding {
    None,
    Asked,
    Given,
}

/// Hand-overs of one process: to it, and by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Handing {
    pub(super) has_predecessor: bool,
    /// Whether one is asked for and has not begun.
    pub(super) due: bool,
    /// From `HandoverStarted` to `HandoverFinished`.
    pub(super) told: bool,
    pub(super) successor: Successor,
    pub(super) ready: bool,
    pub(super) timed_out: bool,
    /// `PassOn` was sent, and not taken back.
    pub(super) in_charge: bool,
    /// Whether the time runs that the successor has; and that of giving way.
    pub(super) timers: (bool, bool),
    /// Hand-overs asked for, begun and over; successors that are gone.
    pub(super) asked: u8,
    pub(super) begun: u8,
    pub(super) over: u8,
    pub(super) gone: u8,
}

impl Handing {
    pub(super) fn new() -> Self {
        Self {
            has_predecessor: false,
            due: false,
            told: false,
            successor: Successor::None,
            ready: false,
            timed_out: false,
            in_charge: false,
            timers: (false, false),
            asked: 0,
            begun: 0,
            over: 0,
            gone: 0,
        }
    }

    /// How far hand-overs have come: one outweighs what happens in it.
    pub(super) fn rank(self) -> usize {
        let killed = self.successor == Successor::Killed;
        let alive = self.successor != Successor::None;
        let flags = [self.told, alive, killed, self.ready, self.timed_out, self.in_charge];
        20_000 * usize::from(self.asked)
            + 2_000 * (usize::from(self.begun) + usize::from(self.over) + usize::from(self.gone))
            + 100 * flags.iter().filter(|flag| **flag).count()
            + usize::from(!self.has_predecessor)
    }
}

impl Watched {
    /// Whether connections come to it, or came before it was told to give way.
    fn is_serving(&self) -> bool {
        self.serving && self.way == Way::On && self.is_open(Step::Run)
    }

    fn is_giving_way(&self) -> bool {
        self.is_serving() && self.yielding == Yielding::Asked
    }
}

impl World {
    /// The process has a predecessor.
    pub(super) fn succeeds(&mut self) {
        self.handing.has_predecessor = true;
        // Nobody is behind more than all the others.
        for _ in 0..self.services.len() {
            (0..self.services.len()).for_each(|at| self.wait_if_marked(ServiceIx(at as u32)));
        }
    }

    /// A service is not to start before the predecessor is gone: it is marked so, or depends on one that is.
    pub(super) fn wait_if_marked(&mut self, ix: ServiceIx) {
        let behind = self.spec(ix).depends_on.iter().any(|on| self.waits(on.on));
        let marked = self.spec(ix).after_handover || behind;
        self.at(ix).waits = self.handing.has_predecessor && self.get(ix).kind != Kind::Server && marked;
    }

    pub(super) fn waits(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        service.waits && !service.vacant
    }

    fn can_hand_over(&self) -> bool {
        let busy = self.handing.told || self.handing.due || self.handing.has_predecessor;
        self.running && !self.requested && !busy
    }

    pub(super) fn handover_means_anything(&self, input: Input) -> bool {
        let handing = self.handing;
        let starts = handing.successor == Successor::Alive && !handing.ready;
        match input {
            Input::HandoverAsked => self.can_hand_over(),
            Input::SuccessorReady | Input::HandoverTimeout => starts && !self.requested,
            Input::SuccessorGone => {
                handing.successor != Successor::None && !(self.requested && handing.in_charge)
            }
            Input::GaveWay(ix) => handing.in_charge && !self.requested && self.get(ix).is_giving_way(),
            Input::GiveWayOver => handing.in_charge && !self.requested,
            _ => handing.has_predecessor,
        }
    }

    /// What may happen next in a hand-over, of which so many are asked for.
    pub(super) fn possible_of_handover(&self, most: u8, to: &mut Vec<Input>) {
        let alone = [Input::SuccessorReady, Input::SuccessorGone, Input::HandoverTimeout, Input::GiveWayOver];
        to.extend(alone.into_iter().filter(|&input| self.handover_means_anything(input)));
        to.extend((self.handing.asked < most).then_some(Input::HandoverAsked));
        to.extend(self.handing.has_predecessor.then_some(Input::PredecessorGone));
        let giving = self.each().filter(|(_, service)| service.is_giving_way());
        to.extend(giving.map(|(ix, _)| Input::GaveWay(ix)));
    }

    pub(super) fn take_handover(&mut self, input: Input) {
        if !self.handover_means_anything(input) {
            return;
        }
        match input {
            Input::HandoverAsked => (self.handing.due, self.handing.asked) = (true, self.handing.asked + 1),
            Input::SuccessorReady => self.handing.ready = true,
            Input::HandoverTimeout => self.handing.timed_out = true,
            Input::SuccessorGone => {
                self.handing.successor = Successor::None;
                self.handing.gone += 1;
            }
            Input::GaveWay(ix) => self.at(ix).yielding = Yielding::Given,
            Input::PredecessorGone => {
                for service in &mut self.services {
                    service.late |= std::mem::take(&mut service.waits) && self.launched;
                }
                self.handing.has_predecessor = false;
            }
            _ => {}
        }
    }

    pub(super) fn obey_handover(&mut self, command: &Command) -> Verdict {
        use Guarantee::G24;
        let handing = self.handing;
        match *command {
            Command::StartSuccessor => {
                let first = handing.told && handing.successor == Successor::None && !handing.in_charge;
                ensure(first, G24, "one successor at a time is started, once that is told")?;
                self.handing.successor = Successor::Alive;
            }
            Command::StartHandoverTimer => self.handing.timers.0 = true,
            Command::StartGiveWayTimer => self.handing.timers.1 = true,
            Command::EndSuccessor => {
                let unready = handing.successor == Successor::Alive && !handing.in_charge;
                ensure(unready && !self.requested, G24, "only who is not ready is ended")?;
                self.handing.successor = Successor::Killed;
            }
            Command::PassOn => {
                let ready = handing.ready && handing.successor == Successor::Alive;
                ensure(ready && !handing.in_charge, G24, "a successor that is ready is put in charge, once")?;
                self.handing.in_charge = true;
            }
            Command::TakeBack => {
                let lost = handing.in_charge && handing.successor == Successor::None && !self.requested;
                ensure(lost, G24, "what is taken back had been passed on, and is nobody's")?;
                self.handing.in_charge = false;
            }
            Command::GiveWay(ix) => {
                let service = self.get(ix);
                let due = service.is_serving() && service.yielding == Yielding::None;
                ensure(handing.in_charge && due, G24, "who accepts connections gives way to a successor")?;
                self.at(ix).yielding = Yielding::Asked;
            }
            Command::Resume(ix) => {
                let due = !handing.in_charge && self.get(ix).yielding != Yielding::None;
                ensure(due, G24, "who gave way resumes when that is taken back")?;
                self.at(ix).yielding = Yielding::None;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn obey_handover_started(&mut self) -> Verdict {
        let handing = self.handing;
        let alone = !handing.told && handing.successor == Successor::None && !handing.has_predecessor;
        let due = handing.due && alone && self.running && !self.requested;
        ensure(due, Guarantee::G24, "a hand-over begins when it was asked for, all run, and no other does")?;
        let apart = self.reloading.step.is_none();
        ensure(apart, Guarantee::G26, "a reload and a hand-over come one after the other")?;
        (self.handing.due, self.handing.told) = (false, true);
        self.handing.begun += 1;
        Ok(())
    }

    pub(super) fn obey_handover_finished(&mut self, end: HandoverEnd, input: Input) -> Verdict {
        use Guarantee::G24;
        let handing = self.handing;
        let gone = input == Input::SuccessorGone && handing.successor == Successor::None;
        let fits = match end {
            // That the shutdown begins is told next.
            HandoverEnd::Passed => handing.in_charge,
            HandoverEnd::Failed => gone && !handing.ready && !handing.timed_out,
            HandoverEnd::TimedOut => handing.timed_out,
            HandoverEnd::TakenBack => gone && handing.ready && !handing.in_charge,
            HandoverEnd::CalledOff => handing.successor == Successor::Killed && !handing.timed_out,
        };
        ensure(handing.told && fits && !self.requested, G24, "a hand-over ends once, as it went")?;
        self.handing = Handing {
            told: false,
            ready: false,
            timed_out: false,
            timers: (false, false),
            over: handing.over + 1,
            ..handing
        };
        Ok(())
    }

    /// What holds of hand-overs between steps.
    pub(super) fn settle_handover(&self) -> Verdict {
        use Guarantee::G24;
        let handing = self.handing;
        if self.requested {
            ensure(!handing.told, G24, "a shutdown ends a hand-over")?;
            let alone = handing.successor != Successor::Alive || handing.in_charge;
            return ensure(alone, G24, "no successor is left alone before it is ready");
        }
        ensure(!(handing.due && self.reloading.step.is_none()), G24, "who asks for a hand-over gets it")?;
        if !handing.told {
            let none = handing.successor == Successor::None && !handing.in_charge;
            let gives_way = |s: &Watched| s.is_serving() && s.yielding != Yielding::None;
            let accept = !self.services.iter().any(gives_way);
            return ensure(none && accept, G24, "without a hand-over all is as if none had been");
        }
        ensure(handing.successor != Successor::None, G24, "a hand-over is over when its successor is")?;
        ensure(handing.timers.0, G24, "time runs for a successor that starts")?;
        let late = handing.timed_out && handing.successor != Successor::Killed;
        ensure(!late, G24, "a successor that is late is ended")?;
        let called_off = handing.successor == Successor::Killed && !handing.timed_out;
        ensure(!called_off, G24, "who is not late is ended by a shutdown alone")?;
        ensure(!handing.ready || handing.in_charge, G24, "a successor that is ready is in charge")?;
        if !handing.in_charge {
            return Ok(());
        }
        ensure(handing.timers.1, G24, "time runs for who gives way")?;
        let accepts = |s: &Watched| s.is_serving() && s.yielding == Yielding::None;
        ensure(!self.services.iter().any(accepts), G24, "who accepts connections gives way")?;
        let giving = self.services.iter().any(Watched::is_giving_way);
        ensure(giving, G24, "a process that has given way ends")
    }
}
