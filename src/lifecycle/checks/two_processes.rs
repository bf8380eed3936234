//! G24, both processes of a hand-over in one model: two production machines, what goes between them, and all that may go wrong.
//!
//! ```text
//!   predecessor  <---- ready ------------------  successor
//!   (old)         ---- in charge, released --->  (new)        sockets: both have them, and accept from the same queue
//! ```
//!
//! Anybody may kill either process, or ask it to stop; a service may fail; either end of the channel may be lost while its process lives on,
//! with what is on its way; messages may be late. What the shell does is modelled as simply as it is:
//!
//! - To end the successor kills it; that it is gone is known later, in a step of its own.
//! - Before anything else is taken in while this process could still take back, the shell looks whether its successor lives.
//! - A successor that cannot be heard any more is ended, but not once the shutdown of this process has begun: then nobody else serves.
//! - To the successor the predecessor is gone when that says so, or when its process is: the end of the channel alone may be an accident.
//!
//! Held in every state: what exists once is held by one; where somebody accepted connections, somebody does, or will again without a
//! successor's being set up first. From every state in which nothing more goes wrong: one process runs everything, or all have ended.

mod broken;
mod explore;
mod process;
mod systems;

use std::hash::{BuildHasher, Hash};

use super::super::io::Input;
use super::super::names::Stage;
use super::super::spec::Spec;
use broken::{Fault, heeds};
use process::{Being, Effect, Process};

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Old,
    New,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Message {
    Ready,
    InCharge,
    Released,
}

/// The channel to the successor that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Channel {
    old_lost: bool,
    new_lost: bool,
    /// What is on its way.
    ready: bool,
    in_charge: bool,
    released: bool,
}

/// How much may still happen that nobody wants, and how many hand-overs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Budget {
    handovers: u8,
    kills: u8,
    losses: u8,
    stops: u8,
    failures: u8,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// A service or a timer of a process does something.
    Do(Who, Input),
    Deliver(Message),
    /// The predecessor learns that its successor is dead; or that it cannot be heard any more.
    Reap,
    HearSilence,
    /// The successor learns that its predecessor is dead.
    HearEnd,
    Exit(Who),
    // From outside:
    HandOver,
    Kill(Who),
    Lose(Who),
    Drop(Message),
    Stop(Who),
    Fail(Who, Input),
}

impl Action {
    /// Whether it may as well never happen.
    fn is_from_outside(self) -> bool {
        use Action::{Drop, Fail, HandOver, Kill, Lose, Stop};
        matches!(self, HandOver | Kill(_) | Lose(_) | Drop(_) | Stop(_) | Fail(..))
    }

    fn ends_somebody(self) -> bool {
        matches!(self, Action::Kill(_) | Action::Stop(_) | Action::Fail(..))
    }
}

/// Both processes, and what is between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Both {
    old: Process,
    /// The successor that the predecessor knows of; or that is left when that is dead.
    new: Option<Process>,
    channel: Channel,
    budget: Budget,
    /// The last process that served was killed, asked to stop, or failed.
    excused: bool,
}

/// What is walked through.
#[derive(Debug, Clone)]
struct System {
    specs: Vec<Spec>,
    budget: Budget,
    fault: Option<Fault>,
}

impl System {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// A process that runs, and has no successor.
    fn start(&self) -> Both {
        let mut old = Process::new(&self.specs, false);
        old.feed(Input::Start, |_| true);
        while !old.ready {
            let next = old.possible()[0];
            old.feed(next, |_| true);
        }
        Both { old, new: None, channel: Channel::default(), budget: self.budget, excused: false }
    }

    /// What may happen next, if nobody disturbs.
    fn natural(&self, both: &Both) -> Vec<Action> {
        let mut to = Vec::new();
        for who in [Who::Old, Who::New] {
            let Some(process) = both.alive(who) else { continue };
            to.extend(process.possible().into_iter().map(|input| Action::Do(who, input)));
            to.extend((process.machine.stage() == Stage::Stopped).then_some(Action::Exit(who)));
        }
        let (old, new) = (both.alive(Who::Old), both.alive(Who::New));
        let channel = both.channel;
        to.extend((channel.ready && old.is_some()).then_some(Action::Deliver(Message::Ready)));
        if let Some(new) = new {
            to.extend(channel.in_charge.then_some(Action::Deliver(Message::InCharge)));
            let released = channel.released && !channel.in_charge;
            to.extend(released.then_some(Action::Deliver(Message::Released)));
            let lost = channel.old_lost || channel.new_lost;
            let gone = old.is_none() && !self.has(Fault::WaitsForEver);
            let over = gone || (self.has(Fault::BelievesTheChannel) && lost);
            to.extend((new.machine.handover.has_predecessor && over).then_some(Action::HearEnd));
        }
        if let Some(old) = old {
            to.extend(both.new.as_ref().is_some_and(|new| !new.is_alive()).then_some(Action::Reap));
            let silent = (channel.old_lost || channel.new_lost) && !channel.ready && new.is_some();
            let serves = old.serves_on() || self.has(Fault::EndsWhoServesAlone);
            to.extend((silent && serves && !both.forgotten()).then_some(Action::HearSilence));
        }
        to
    }

    /// What may happen from outside.
    fn disturbances(&self, both: &Both) -> Vec<Action> {
        let (mut to, budget, channel) = (Vec::new(), both.budget, both.channel);
        let old = both.alive(Who::Old);
        to.extend((old.is_some() && budget.handovers > 0).then_some(Action::HandOver));
        for who in [Who::Old, Who::New] {
            let Some(process) = both.alive(who) else { continue };
            to.extend((budget.kills > 0).then_some(Action::Kill(who)));
            to.extend((budget.stops > 0 && !process.stopping).then_some(Action::Stop(who)));
            let lost = if who == Who::Old { channel.old_lost } else { channel.new_lost };
            to.extend((both.new.is_some() && !lost && budget.losses > 0).then_some(Action::Lose(who)));
            let failures = if budget.failures > 0 { process.failures() } else { Vec::new() };
            to.extend(failures.into_iter().map(|input| Action::Fail(who, input)));
        }
        if channel.old_lost || channel.new_lost {
            to.extend(channel.ready.then_some(Action::Drop(Message::Ready)));
            to.extend(channel.in_charge.then_some(Action::Drop(Message::InCharge)));
            to.extend(channel.released.then_some(Action::Drop(Message::Released)));
        }
        to
    }

    fn next(&self, both: &Both, action: Action) -> Both {
        let mut next = both.clone();
        self.act(&mut next, action);
        let ends_in_charge = |both: &Both| both.new.as_ref().is_some_and(|new| new.ready && new.stopping);
        let lost = both.serves() && !next.serves();
        // Whoever is in charge and stops, or fails, ends the program.
        let ended = ends_in_charge(&next) && !ends_in_charge(both);
        next.excused |= action.ends_somebody() && (lost || ended);
        next
    }

    fn act(&self, both: &mut Both, action: Action) {
        match action {
            Action::Do(who, input) => self.feed(both, who, input),
            Action::Fail(who, input) => {
                both.budget.failures -= 1;
                self.feed(both, who, input);
            }
            Action::Stop(who) => {
                both.budget.stops -= 1;
                self.feed(both, who, Process::asked_to_stop());
            }
            Action::HandOver => {
                both.budget.handovers -= 1;
                self.feed(both, Who::Old, Input::HandoverAsked);
            }
            Action::Deliver(Message::Ready) => {
                both.channel.ready = false;
                self.feed(both, Who::Old, Input::SuccessorReady);
            }
            Action::Deliver(Message::InCharge) => {
                both.channel.in_charge = false;
                both.new.iter_mut().for_each(|new| new.in_charge = true);
            }
            Action::Deliver(Message::Released) => {
                both.channel.released = false;
                self.feed(both, Who::New, Input::PredecessorGone);
            }
            Action::HearEnd => self.feed(both, Who::New, Input::PredecessorGone),
            Action::Reap => self.reap(both),
            Action::HearSilence if self.has(Fault::TakesTheSilentForDead) => {
                both.channel = Channel { ready: true, ..Channel::default() };
                self.feed(both, Who::Old, Input::SuccessorGone);
                both.channel = Channel::default();
            }
            Action::HearSilence => both.end_successor(),
            Action::Exit(who) => both.end(who, Being::Exited),
            Action::Kill(who) => {
                both.budget.kills -= 1;
                both.end(who, Being::Killed);
            }
            Action::Lose(who) => {
                both.budget.losses -= 1;
                both.lose(who);
            }
            Action::Drop(Message::Ready) => both.channel.ready = false,
            Action::Drop(Message::InCharge) => both.channel.in_charge = false,
            Action::Drop(Message::Released) => both.channel.released = false,
        }
    }

    /// The predecessor knows that its successor is dead.
    fn reap(&self, both: &mut Both) {
        (both.new, both.channel) = (None, Channel::default());
        self.feed(both, Who::Old, Input::SuccessorGone);
    }

    fn feed(&self, both: &mut Both, who: Who, input: Input) {
        if who == Who::Old {
            let matters = both.old.machine.is_giving_way() || input == Input::SuccessorReady;
            let dead = both.new.as_ref().is_some_and(|new| !new.is_alive());
            if matters && dead && input != Input::SuccessorGone && !self.has(Fault::DoesNotLook) {
                self.reap(both);
            }
        }
        let process = match who {
            Who::Old => &mut both.old,
            Who::New => match &mut both.new {
                Some(new) => new,
                None => return,
            },
        };
        for effect in process.feed(input, |command| heeds(self.fault, command)) {
            self.carry_out(both, who, effect);
        }
    }

    fn carry_out(&self, both: &mut Both, who: Who, effect: Effect) {
        let tells = |both: &Both| !both.channel.old_lost && !both.channel.new_lost && both.new.is_some();
        match (who, effect) {
            (Who::Old, Effect::StartSuccessor) => {
                both.channel = Channel::default();
                both.new = Some(Process::new(&self.specs, !self.has(Fault::StartsAtOnce)));
                self.feed(both, Who::New, Input::Start);
                if self.has(Fault::PassesOnBeforeReady) {
                    self.feed(both, Who::Old, Input::SuccessorReady);
                }
            }
            (Who::Old, Effect::EndSuccessor) => both.end_successor(),
            (Who::Old, Effect::PassOn) if tells(both) => {
                both.channel.in_charge = true;
                both.channel.released |= self.has(Fault::TellsReleasedTooEarly);
            }
            (Who::Old, Effect::Released) if tells(both) => both.channel.released = true,
            (Who::New, Effect::Ready) if tells(both) => both.channel.ready = true,
            _ => {}
        }
    }
}

impl Both {
    fn alive(&self, who: Who) -> Option<&Process> {
        let process = match who {
            Who::Old => Some(&self.old),
            Who::New => self.new.as_ref(),
        };
        process.filter(|process| process.is_alive())
    }

    fn end(&mut self, who: Who, being: Being) {
        match who {
            Who::Old => self.old.being = being,
            Who::New => self.new.iter_mut().for_each(|new| new.being = being),
        }
        // What it was to read, nobody reads.
        match who {
            Who::Old => self.channel.ready = false,
            Who::New => (self.channel.in_charge, self.channel.released) = (false, false),
        }
    }

    fn end_successor(&mut self) {
        if self.alive(Who::New).is_some() {
            self.end(Who::New, Being::Killed);
        }
    }

    fn lose(&mut self, who: Who) {
        match who {
            Who::Old => (self.channel.old_lost, self.channel.ready) = (true, false),
            Who::New => {
                self.channel.new_lost = true;
                (self.channel.in_charge, self.channel.released) = (false, false);
            }
        }
    }

    /// Whether the predecessor takes its successor for dead, which lives.
    fn forgotten(&self) -> bool {
        !self.old.stopping && self.new.is_some() && !self.old.machine.is_handing_over()
    }

    /// Whether somebody accepts connections, or has, and will again.
    fn serves(&self) -> bool {
        let gone = self.new.as_ref().is_none_or(|new| !new.serves_on());
        let old = self.old.serves_on() && (!self.old.gave_way || gone);
        let left_alone = self.old.being == Being::Killed;
        old || self.new.as_ref().is_some_and(|new| new.serves_on() && (new.has_accepted || left_alone))
    }

    /// What must hold in every state.
    fn breaks(&self) -> Option<&'static str> {
        let both_hold = self.old.holds() && self.new.as_ref().is_some_and(Process::holds);
        if both_hold {
            return Some("both hold what exists once");
        }
        (!self.serves() && !self.excused).then_some("nobody serves, though nothing took the last that did")
    }

    /// What must hold when nothing is left to happen.
    fn ends_badly(&self) -> Option<&'static str> {
        let (old, new) = (self.alive(Who::Old), self.alive(Who::New));
        match (old, new) {
            (Some(_), Some(_)) => Some("both live, and nothing goes on"),
            (Some(one), None) | (None, Some(one)) if !one.runs_everything() => {
                Some("one is left, and does not run everything")
            }
            (None, None) if !self.excused => Some("all have ended for no cause"),
            _ => None,
        }
    }

    fn name(&self) -> u64 {
        foldhash::fast::FixedState::default().hash_one(self)
    }
}
