//! G7, the books: what must be told of each input, no more, no less, in this order.

use super::super::announcement::Announcement as Told;
use super::super::io::{Answer, Departure, Input};
use super::super::names::{Outcome, ResourceIx, ServiceIx, Step};
use super::super::reload_names::ReloadStep;
use super::super::spec::RestartMode;
use super::promises::outcome_of;
use super::watched::{Hold, Life, Once, Seen, Way};
use super::world::World;

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
    Reload(ServiceIx, ReloadStep, Outcome),
    LeaseAcquired(ServiceIx),
    LeaseLost(ServiceIx),
    LeaseRefused(ServiceIx),
    StepDown(ServiceIx),
}

impl Account {
    pub(super) fn of(told: &Told) -> Option<Self> {
        match *told {
            Told::StepFinished { service, step, outcome, .. } => Some(Account::Step(service, step, outcome)),
            Told::Panicked { service, resource, .. } => Some(Account::Panic(service, resource)),
            Told::ServiceLost { service, outcome, .. } => Some(Account::Lost(service, outcome)),
            Told::ServiceStuck(ix, _) => Some(Account::Stuck(ix)),
            Told::ResourceStarted(resource) => Some(Account::Started(resource.service)),
            Told::ResourceLost { resource, outcome, .. } => Some(Account::ResourceLost(resource, outcome)),
            Told::ReleaseFinished { resource, outcome, .. } => Some(Account::Released(resource, outcome)),
            Told::ReloadFailed { service, step, outcome, .. } => {
                Some(Account::Reload(service, step, outcome))
            }
            Told::LeaseAcquired(ix) => Some(Account::LeaseAcquired(ix)),
            Told::LeaseLost(ix) => Some(Account::LeaseLost(ix)),
            Told::LeaseRefused { service, .. } => Some(Account::LeaseRefused(service)),
            Told::StepDownStarted(ix) => Some(Account::StepDown(ix)),
            _ => None,
        }
    }
}

impl World {
    /// What must be told of an input that comes now.
    pub(super) fn accounts(&self, input: Input) -> Vec<Account> {
        match input {
            Input::Answered(ix, step, answer) if self.get(ix).is_open(step) => {
                let over = Account::Step(ix, step, outcome_of(answer));
                let returned = step == Step::Run && answer == Answer::Ok;
                let always =
                    self.is_up() && self.get(ix).way == Way::On && self.spec(ix).mode == RestartMode::Always;
                match returned && always && !self.may_restart(ix) {
                    true => vec![over, Account::Lost(ix, Outcome::Ok)],
                    false => vec![over],
                }
            }
            Input::Suspended(ix, departure) if self.can_rest(ix, departure) => {
                self.accounts_of_the_departed(ix, departure, Life::Resting)
            }
            Input::StartedOver(ix, departure) if self.get(ix).can_start_over(departure) => {
                self.accounts_of_the_departed(ix, departure, Life::Resting)
            }
            Input::Panicked(ix) if !self.get(ix).rests() => vec![Account::Panic(ix, None)],
            Input::Gone(ix, departure) if self.can_go(ix, departure) => {
                self.accounts_of_the_departed(ix, departure, Life::Gone)
            }
            Input::ResourceStarted(ix)
                if self.get(ix).closing != Once::Done && self.get(ix).life != Life::Unborn =>
            {
                vec![Account::Started(ix)]
            }
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
            Input::ReloadAnswered(..) | Input::ReloadTimeout(_) => {
                let failed = self.reload_failure(input);
                failed.map(|(ix, step, outcome)| Account::Reload(ix, step, outcome)).into_iter().collect()
            }
            _ => self.accounts_of_lease(input),
        }
    }

    /// Every open step ends with its actor. An idle actor that goes by itself is missed only while others
    /// count on it; one that panics, or that can't be ended, is always told of. One that was to come back, and is
    /// gone, is told of in any case.
    fn accounts_of_the_departed(&self, ix: ServiceIx, departure: Departure, to: Life) -> Vec<Account> {
        let service = self.get(ix);
        let open = Step::ALL.into_iter().filter(|&step| service.is_open(step));
        let blameless = service.way == Way::AtOnce && service.life != Life::Forced;
        let mut told: Vec<_> = open
            .enumerate()
            .map(|(n, step)| match departure {
                Departure::Panicked if n == 0 => Account::Step(ix, step, Outcome::Panic),
                Departure::Ended | Departure::Panicked => Account::Step(ix, step, Outcome::Ended),
                Departure::Dismissed if blameless => Account::Step(ix, step, Outcome::Ended),
                Departure::Dismissed | Departure::Abandoned => Account::Step(ix, step, Outcome::Forced),
            })
            .collect();
        if to == Life::Gone && self.must_return(ix) {
            told.push(match departure {
                Departure::Abandoned => Account::Stuck(ix),
                _ => Account::Lost(ix, departure.outcome()),
            });
        }
        if !told.is_empty() || service.life == Life::Resting {
            return told;
        }
        let run_over = !matches!(service.step(Step::Run), Seen::Unsent | Seen::Open);
        let missed = !self.requested && !run_over && service.way == Way::On && service.life == Life::Alive;
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
