//! What may happen next.

use super::super::super::names::Stage;
use super::broken::Fault;
use super::{Action, Both, Message, System, Who};

impl System {
    /// What may happen next, if nobody disturbs.
    pub(super) fn natural(&self, both: &Both) -> Vec<Action> {
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
    pub(super) fn disturbances(&self, both: &Both) -> Vec<Action> {
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
}
