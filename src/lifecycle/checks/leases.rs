//! G25, leases as an observer of one process sees them: who lives with one, and what is given back when. Several processes and a store in
//! one model: [`replicas`](super::replicas).

use super::super::announcement::{Fault, Remedy};
use super::super::io::{Command, Input};
use super::super::names::{ErrorStage, Outcome, ServiceIx};
use super::bookkeeping::Account;
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::watched::{Hold, Life, Once, Transition, Watched, Way};
use super::world::World;

/// The lease of a service, as commands and inputs show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Tenure {
    Unneeded,
    Unchecked,
    /// Its store is asked whether it can be used.
    Checking,
    Free,
    /// It was given away by an order: the time for which others are to have their chance is still to begin.
    Given,
    /// That time runs.
    Out,
    Sought,
    Held,
    Lost,
    Expired,
    Returning,
    Left,
    Refused,
}

impl Watched {
    pub(super) fn stands_by(&self) -> bool {
        self.tenure == Tenure::Sought
    }

    /// Whether nobody waits for it: it asks for its lease, or leaves that to others for a while.
    pub(super) fn stands_by_or_out(&self) -> bool {
        matches!(self.tenure, Tenure::Sought | Tenure::Given | Tenure::Out)
    }

    /// Whether a life has its lease, or had it.
    fn has_tenure(&self) -> bool {
        matches!(self.tenure, Tenure::Held | Tenure::Lost | Tenure::Expired)
    }

    /// Whether no life may begin, and none goes on.
    pub(super) fn is_between_leases(&self) -> bool {
        self.stands_by_or_out() || matches!(self.tenure, Tenure::Checking | Tenure::Returning | Tenure::Left)
    }

    /// Whether its time is over, though nobody asked it to stop.
    pub(super) fn is_expired(&self) -> bool {
        self.tenure == Tenure::Expired
    }

    pub(super) fn has_lost_its_lease(&self) -> bool {
        matches!(self.tenure, Tenure::Lost | Tenure::Expired)
    }

    /// Whether it will run again, or stands by to.
    pub(super) fn works_for_its_lease(&self) -> bool {
        let waits = !matches!(self.tenure, Tenure::Unneeded | Tenure::Free | Tenure::Held | Tenure::Refused);
        self.kind.runs() && self.wanted && waits
    }
}

impl World {
    pub(super) fn lease_means_anything(&self, input: Input) -> bool {
        match input {
            Input::LeaseChecked(ix) => self.get(ix).is_checked(),
            Input::LeaseAcquired(ix) => self.get(ix).stands_by(),
            Input::LeaseRefused(ix) => self.get(ix).stands_by() || self.get(ix).is_checked(),
            Input::LeaseLost(ix) => self.get(ix).tenure == Tenure::Held,
            Input::LeaseExpired(ix) => matches!(self.get(ix).tenure, Tenure::Held | Tenure::Lost),
            Input::LeaseReturned(ix) => self.get(ix).tenure == Tenure::Returning && !self.is_past_stores(),
            Input::StepDownAsked(ix) => {
                let service = self.get(ix);
                let has = service.tenure == Tenure::Held && service.transition != Transition::StepDown;
                let returns = service.wanted && service.life != Life::Gone && self.spec(ix).restartable;
                self.is_up() && has && returns
            }
            Input::StayOutOver(ix) => self.is_active() && self.get(ix).tenure == Tenure::Out,
            _ => false,
        }
    }

    /// Nobody waits for a store any more.
    pub(super) fn is_past_stores(&self) -> bool {
        self.last_call == Once::Done
    }

    /// Whether the end waits for a lease.
    pub(super) fn waits_for_store(&self) -> bool {
        let open = |s: &Watched| s.has_tenure() || s.stands_by() || s.tenure == Tenure::Returning;
        !self.is_past_stores() && self.services.iter().any(open)
    }

    /// What may happen next to leases, of which each service may lose so many.
    pub(super) fn possible_of_leases(&self, most: u8, to: &mut Vec<Input>) {
        for (ix, service) in self.each().filter(|(_, service)| !service.vacant) {
            let loses = service.losses < most;
            let all = [
                (Input::LeaseChecked(ix), true),
                (Input::LeaseAcquired(ix), true),
                (Input::LeaseRefused(ix), loses),
                (Input::LeaseLost(ix), loses),
                (Input::LeaseExpired(ix), loses || service.tenure == Tenure::Lost),
                (Input::LeaseReturned(ix), true),
                (Input::StayOutOver(ix), true),
            ];
            let possible = |&&(input, may): &&(Input, bool)| may && self.lease_means_anything(input);
            to.extend(all.iter().filter(possible).map(|&(input, _)| input));
        }
    }

    /// What must be told of a lease.
    pub(super) fn accounts_of_lease(&self, input: Input) -> Vec<Account> {
        if !self.lease_means_anything(input) {
            return vec![];
        }
        match input {
            Input::LeaseAcquired(ix) => vec![Account::LeaseAcquired(ix)],
            Input::LeaseRefused(ix) if self.refusal_concerns(ix) => vec![Account::LeaseRefused(ix)],
            Input::StepDownAsked(ix) => vec![Account::StepDown(ix)],
            Input::LeaseLost(ix) | Input::LeaseExpired(ix) if self.get(ix).tenure == Tenure::Held => {
                vec![Account::LeaseLost(ix)]
            }
            _ => vec![],
        }
    }

    pub(super) fn take_lease(&mut self, input: Input) {
        if !self.lease_means_anything(input) {
            return;
        }
        let launched = self.launched;
        match input {
            Input::LeaseAcquired(ix) => {
                self.at(ix).tenure = Tenure::Held;
                self.at(ix).late |= launched;
            }
            Input::LeaseChecked(ix) => self.at(ix).tenure = Tenure::Free,
            Input::LeaseRefused(ix) => {
                let concerns = self.refusal_concerns(ix);
                self.at(ix).tenure = if concerns { Tenure::Refused } else { Tenure::Free };
            }
            Input::LeaseLost(ix) | Input::LeaseExpired(ix) => {
                let service = self.at(ix);
                service.losses += u8::from(service.tenure == Tenure::Held);
                let expired = input == Input::LeaseExpired(ix);
                service.tenure = if expired { Tenure::Expired } else { Tenure::Lost };
            }
            Input::LeaseReturned(ix) => {
                let service = self.at(ix);
                let is_given_away = service.transition == Transition::StepDown;
                service.tenure = if is_given_away { Tenure::Given } else { Tenure::Free };
                service.returns += 1;
            }
            Input::StepDownAsked(_) => self.orders += 1,
            Input::StayOutOver(ix) => {
                (self.at(ix).tenure, self.at(ix).stays) = (Tenure::Free, self.get(ix).stays + 1);
            }
            _ => {}
        }
    }

    /// An order to stop it, or to start it again, is above the one that had it stay out.
    pub(super) fn end_stay_out(&mut self, ix: ServiceIx) {
        if self.get(ix).tenure == Tenure::Out {
            self.at(ix).tenure = Tenure::Free;
        }
    }

    pub(super) fn obey_lease(&mut self, command: &Command) -> Verdict {
        use Guarantee::G25;
        match *command {
            Command::CheckLease(ix) => self.obey_check(ix)?,
            Command::SeekLease(ix) => {
                let free = self.get(ix).tenure == Tenure::Free && self.get(ix).is_down();
                ensure(free && !self.requested, G25, "who is down, and has no lease, asks for one")?;
                self.at(ix).tenure = Tenure::Sought;
            }
            Command::ReturnLease(ix) => {
                self.obey_end_of_tenure(ix)?;
                ensure(!self.get(ix).left_behind, G25, "what may still run keeps others out")?;
                self.at(ix).tenure = Tenure::Returning;
            }
            Command::LeaveLease(ix) => {
                self.obey_end_of_tenure(ix)?;
                ensure(
                    self.get(ix).left_behind,
                    G25,
                    "a lease is given back, unless something may still run",
                )?;
                self.at(ix).tenure = Tenure::Left;
            }
            Command::StartStayOut(ix) => {
                let given = self.get(ix).tenure == Tenure::Given;
                ensure(given, G25, "who has given its lease away leaves it to others, from then on")?;
                self.at(ix).tenure = Tenure::Out;
            }
            _ => {}
        }
        Ok(())
    }

    fn obey_end_of_tenure(&self, ix: ServiceIx) -> Verdict {
        let service = self.get(ix);
        let gone = service.has_tenure() && service.rests() && service.is_cleared();
        let there = if self.requested { gone } else { gone && service.is_down() };
        ensure(there || service.stands_by(), Guarantee::G25, "a lease is given back last")
    }

    pub(super) fn obey_lease_lost(&mut self, ix: ServiceIx) -> Verdict {
        let active = self.is_active();
        if active && self.get(ix).way == Way::On {
            self.at(ix).way = Way::Asked;
        }
        Ok(())
    }

    pub(super) fn obey_standby(&self, ix: ServiceIx) -> Verdict {
        let service = self.get(ix);
        ensure(service.is_down() && service.stands_by_or_out(), Guarantee::G25, "who stands by is down")
    }

    pub(super) fn obey_step_down(&mut self, ix: ServiceIx) -> Verdict {
        let service = self.at(ix);
        let none = service.transition == Transition::None;
        ensure(none, Guarantee::G07, "a step down begins once, where nothing else is under way")?;
        (service.transition, service.owes_delay) = (Transition::StepDown, None);
        if service.way == Way::On {
            service.way = Way::Asked;
        }
        Ok(())
    }

    pub(super) fn obey_stepped_down(&mut self, ix: ServiceIx, outcome: Outcome, now: &Moment) -> Verdict {
        use Input::{RemoveAsked, RestartAsked, StopAsked};
        let asked = matches!(now.input, StopAsked(by) | RemoveAsked(by) | RestartAsked(by) if by == ix);
        let over = self.requested || asked;
        let service = self.at(ix);
        let begun = std::mem::replace(&mut service.transition, Transition::None) == Transition::StepDown;
        ensure(begun, Guarantee::G07, "a step down is over once, after it began")?;
        let gone = service.is_down() && matches!(service.tenure, Tenure::Given | Tenure::Left);
        let forced = service.cut || service.tenure == Tenure::Left;
        let fits = match outcome {
            Outcome::Ended => over,
            Outcome::Forced => gone && forced,
            _ => gone && !forced,
        };
        ensure(fits, Guarantee::G25, "who has stepped down has given its lease back, or lets it lapse")
    }

    pub(super) fn obey_lease_refused(&mut self, ix: ServiceIx, error: Fault, now: &mut Moment) -> Verdict {
        let stage = if self.launched() { ErrorStage::Run } else { ErrorStage::Setup };
        let is_added = self.get(ix).transition == Transition::Addition;
        let remedy = if is_added { Remedy::Other } else { Remedy::None };
        match is_added {
            true => self.take_back(ix),
            false => self.note_refusal(ix, stage, now),
        }
        let expected = Fault { stage, remedy };
        ensure(error == expected, Guarantee::G25, "who never has its lease fails the manager")
    }

    /// What holds of leases between steps.
    pub(super) fn settle_leases(&self) -> Verdict {
        use Guarantee::G25;
        self.settle_checks()?;
        for (ix, service) in self.each().filter(|(_, s)| !s.vacant && s.tenure != Tenure::Unneeded) {
            // What was at rest is dropped without another word.
            let lives = matches!(service.life, Life::Alive | Life::Suspending);
            ensure(!lives || service.has_tenure(), G25, "who lives has a lease")?;
            let out = matches!(service.tenure, Tenure::Given | Tenure::Out);
            let waits = out
                || service.is_checked()
                || matches!(service.tenure, Tenure::Returning | Tenure::Left | Tenure::Free);
            let down = !lives && (service.is_cleared() || self.is_past_stores());
            ensure(down || !waits, G25, "who has given its lease back has nothing left")?;
            let stands = service.tenure != Tenure::Given;
            ensure(stands, G25, "who has given its lease away may ask for it again after a while")?;
            let told = !out || service.transition != Transition::StepDown;
            ensure(told, G25, "that a lease was given away is told")?;
            let stays = service.stands_by() && (!self.may_stand_by(ix) || self.requested);
            ensure(!stays, G25, "who cannot start asks for no lease")?;
            if service.has_lost_its_lease() {
                let told = service.signalled || service.rests() || service.way == Way::AtOnce;
                ensure(told || self.releasing, G25, "who has lost its lease is told to stop at once")?;
            }
            if service.is_expired() {
                let cut = service.life != Life::Alive && !service.holds().contains(&Hold::Asked);
                ensure(cut, G25, "at the end of its lease all of a service is cut")?;
            }
            let over = service.rests() && service.is_cleared() && service.is_settled();
            let closed = over && service.closing == Once::Done;
            let keeps = closed && service.has_tenure() && (self.releasing || self.is_active());
            ensure(!keeps, G25, "who has nothing left gives its lease back")?;
        }
        Ok(())
    }

    fn may_stand_by(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let up = self.spec(ix).depends_on.iter().all(|on| self.get(on.on).is_up());
        service.wanted && service.is_down() && up && self.port_is_bound() && service.delay != Once::Pending
    }
}
