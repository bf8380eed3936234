//! G25, leases as an observer of one process sees them: who lives with one, and what is given back when. Several processes and a store in
//! one model: [`replicas`](super::replicas).

use super::super::announcement::{Fault, Remedy};
use super::super::io::{Command, Input};
use super::super::names::{ErrorStage, ServiceIx};
use super::bookkeeping::Account;
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::watched::{Hold, Life, Once, Watched, Way};
use super::world::World;

/// The lease of a service, as commands and inputs show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Tenure {
    Unneeded,
    Free,
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

    /// Whether a life has its lease, or had it.
    fn has_tenure(&self) -> bool {
        matches!(self.tenure, Tenure::Held | Tenure::Lost | Tenure::Expired)
    }

    /// Whether no life may begin, and none goes on.
    pub(super) fn is_between_leases(&self) -> bool {
        matches!(self.tenure, Tenure::Sought | Tenure::Returning | Tenure::Left)
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
        let waits = !matches!(self.tenure, Tenure::Unneeded | Tenure::Free | Tenure::Held);
        self.kind.runs() && self.wanted && waits
    }
}

impl World {
    pub(super) fn lease_means_anything(&self, input: Input) -> bool {
        match input {
            Input::LeaseAcquired(ix) | Input::LeaseRefused(ix) => self.get(ix).stands_by(),
            Input::LeaseLost(ix) => self.get(ix).tenure == Tenure::Held,
            Input::LeaseExpired(ix) => matches!(self.get(ix).tenure, Tenure::Held | Tenure::Lost),
            Input::LeaseReturned(ix) => self.get(ix).tenure == Tenure::Returning && !self.is_past_stores(),
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
                (Input::LeaseAcquired(ix), true),
                (Input::LeaseRefused(ix), loses),
                (Input::LeaseLost(ix), loses),
                (Input::LeaseExpired(ix), loses || service.tenure == Tenure::Lost),
                (Input::LeaseReturned(ix), true),
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
            Input::LeaseRefused(ix) => vec![Account::LeaseRefused(ix)],
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
            Input::LeaseRefused(ix) => self.at(ix).tenure = Tenure::Refused,
            Input::LeaseLost(ix) | Input::LeaseExpired(ix) => {
                let service = self.at(ix);
                service.losses += u8::from(service.tenure == Tenure::Held);
                let expired = input == Input::LeaseExpired(ix);
                service.tenure = if expired { Tenure::Expired } else { Tenure::Lost };
            }
            Input::LeaseReturned(ix) => {
                (self.at(ix).tenure, self.at(ix).returns) = (Tenure::Free, self.get(ix).returns + 1);
            }
            _ => {}
        }
    }

    pub(super) fn obey_lease(&mut self, command: &Command) -> Verdict {
        use Guarantee::G25;
        match *command {
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

    pub(super) fn obey_lease_refused(&mut self, ix: ServiceIx, error: Fault, now: &mut Moment) -> Verdict {
        let stage = if self.launched() { ErrorStage::Run } else { ErrorStage::Setup };
        (now.failure, now.blamed) = (Some((ix, stage)), true);
        let expected = Fault { stage, remedy: Remedy::None };
        ensure(error == expected, Guarantee::G25, "who never has its lease fails the manager")
    }

    /// What holds of leases between steps.
    pub(super) fn settle_leases(&self) -> Verdict {
        use Guarantee::G25;
        for (ix, service) in self.each().filter(|(_, s)| !s.vacant && s.tenure != Tenure::Unneeded) {
            // What was at rest is dropped without another word.
            let lives = matches!(service.life, Life::Alive | Life::Suspending);
            ensure(!lives || service.has_tenure(), G25, "who lives has a lease")?;
            let waits = matches!(service.tenure, Tenure::Returning | Tenure::Left | Tenure::Free);
            let down = !lives && (service.is_cleared() || self.is_past_stores());
            ensure(down || !waits, G25, "who has given its lease back has nothing left")?;
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
