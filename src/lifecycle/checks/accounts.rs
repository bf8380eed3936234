//! G7, the books: what must be told of each input, no more, no less, in this order.

use super::super::io::{Announcement as Told, Departure, Input};
use super::super::names::{Outcome, ResourceIx, ServiceIx, Step};
use super::promises::outcome_of;
use super::world::{Hold, Seen, World};

/// An announcement that tells of something which has happened outside of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    Step(ServiceIx, Step, Outcome),
    Panic(ServiceIx, Option<ResourceIx>),
    Lost(ServiceIx, Outcome),
    Stuck(ServiceIx),
    Started(ServiceIx),
    ResourceLost(ResourceIx, Outcome),
    Released(ResourceIx, Outcome),
}

impl Account {
    pub(super) fn of(told: &Told) -> Option<Self> {
        match *told {
            Told::StepFinished { service, step, outcome, .. } => Some(Account::Step(service, step, outcome)),
            Told::Panicked { service, resource, .. } => Some(Account::Panic(service, resource)),
            Told::ServiceLost { service, outcome, .. } => Some(Account::Lost(service, outcome)),
            Told::ServiceStuck(ix) => Some(Account::Stuck(ix)),
            Told::ResourceStarted(resource) => Some(Account::Started(resource.service)),
            Told::ResourceLost { resource, outcome, .. } => Some(Account::ResourceLost(resource, outcome)),
            Told::ReleaseFinished { resource, outcome } => Some(Account::Released(resource, outcome)),
            _ => None,
        }
    }
}

impl World {
    /// What must be told of an input that comes now.
    pub(super) fn accounts(&self, input: Input) -> Vec<Account> {
        match input {
            Input::Answered(ix, step, answer) if self.get(ix).is_open(step) => {
                vec![Account::Step(ix, step, outcome_of(answer))]
            }
            Input::Panicked(ix) if self.get(ix).lives() => vec![Account::Panic(ix, None)],
            Input::Gone(ix, departure) if self.can_go(ix, departure) => self.accounts_of_gone(ix, departure),
            Input::ResourceStarted(ix) if !self.releasing => vec![Account::Started(ix)],
            Input::Released(resource, answer)
                if matches!(self.hold(resource), Hold::Asked | Hold::Forced) =>
            {
                vec![Account::Released(resource, outcome_of(answer))]
            }
            Input::ResourcePanicked(resource) if self.hold(resource) != Hold::Over => {
                vec![Account::Panic(resource.service, Some(resource))]
            }
            Input::ResourceGone(resource, departure) => {
                self.account_of_resource(resource, departure).into_iter().collect()
            }
            _ => vec![],
        }
    }

    /// Every open step ends with its actor. An idle actor that goes by itself is missed only while others
    /// count on it; one that panics, or that can't be ended, is always told of.
    fn accounts_of_gone(&self, ix: ServiceIx, departure: Departure) -> Vec<Account> {
        let service = self.get(ix);
        let open = Step::ALL.into_iter().filter(|&step| service.is_open(step));
        let first = |n| n == 0;
        let told: Vec<_> = open
            .enumerate()
            .map(|(n, step)| match departure {
                Departure::Panicked if first(n) => Account::Step(ix, step, Outcome::Panic),
                Departure::Ended | Departure::Panicked => Account::Step(ix, step, Outcome::Ended),
                Departure::Dismissed | Departure::Abandoned => Account::Step(ix, step, Outcome::Forced),
            })
            .collect();
        if !told.is_empty() {
            return told;
        }
        let missed = !self.requested && matches!(service.step(Step::Run), Seen::Unsent | Seen::Open);
        match departure {
            Departure::Panicked => vec![Account::Lost(ix, Outcome::Panic)],
            Departure::Abandoned => vec![Account::Stuck(ix)],
            Departure::Ended if missed => vec![Account::Lost(ix, Outcome::Ended)],
            Departure::Ended | Departure::Dismissed => vec![],
        }
    }

    /// A resource is accounted for once: as lost before it was asked, as released after.
    fn account_of_resource(&self, resource: ResourceIx, departure: Departure) -> Option<Account> {
        let outcome = match departure {
            Departure::Ended => Outcome::Ended,
            Departure::Panicked => Outcome::Panic,
            Departure::Dismissed | Departure::Abandoned => Outcome::Forced,
        };
        match self.hold(resource) {
            Hold::Over => None,
            Hold::Forced => Some(Account::Released(resource, outcome)),
            _ if outcome == Outcome::Forced => None,
            Hold::Asked => Some(Account::Released(resource, outcome)),
            Hold::Alive => Some(Account::ResourceLost(resource, outcome)),
        }
    }
}
