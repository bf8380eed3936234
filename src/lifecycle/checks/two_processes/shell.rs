//! What happens: what each shell does about it, and what becomes of the processes and of the channel.

use super::super::super::io::Input;
use super::broken::{Fault, heeds};
use super::process::{Being, Effect, Process};
use super::{Action, Both, Channel, Message, System, Who};

impl System {
    pub(super) fn next(&self, both: &Both, action: Action) -> Both {
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
    pub(super) fn end(&mut self, who: Who, being: Being) {
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

    pub(super) fn end_successor(&mut self) {
        if self.alive(Who::New).is_some() {
            self.end(Who::New, Being::Killed);
        }
    }

    pub(super) fn lose(&mut self, who: Who) {
        match who {
            Who::Old => (self.channel.old_lost, self.channel.ready) = (true, false),
            Who::New => {
                self.channel.new_lost = true;
                (self.channel.in_charge, self.channel.released) = (false, false);
            }
        }
    }
}
