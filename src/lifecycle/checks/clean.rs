//! G21, the clean end: what failed of itself, told from what merely ended because it was told to.

use super::super::io::{Answer, Input};
use super::super::names::{Outcome, ServiceIx, Step};
use super::super::reload_names::ReloadStep;
use super::bookkeeping::Account;
use super::promises::Moment;
use super::watched::{Seen, Transition, Way};
use super::world::World;

impl World {
    /// Whether a set-up that ends so was cancelled: it had been told to stop, and not because another set-up failed.
    pub(super) fn cancels(&self, ix: ServiceIx, step: Step, outcome: Outcome, input: Input) -> bool {
        let told = self.get(ix).signalled && (self.cancels || !self.requested);
        let own = matches!(input, Input::Answered(_, _, Answer::OwnError));
        let harmless = matches!(outcome, Outcome::Ok | Outcome::Error | Outcome::Ended) && !own;
        told && harmless && matches!(step, Step::Register | Step::Setup)
    }

    /// Whether what happened is a failure that the manager ends with: a panic, a forced end, an error or an end that nobody
    /// asked for. What a restart, or the stop of one service, sees to is none.
    pub(super) fn fails_of_itself(&self, account: &Account, now: &Moment) -> bool {
        match *account {
            Account::Started(_) | Account::Reload(_, ReloadStep::Prepare, _) => false,
            Account::LeaseAcquired(_) | Account::LeaseLost(_) | Account::StepDown(_) => false,
            Account::LeaseRefused(ix) => self.get(ix).transition != Transition::Addition,
            Account::Reload(ix, ReloadStep::Commit, _) => !self.is_seen_to(ix, now.needed, now),
            Account::Released(_, outcome) => outcome != Outcome::Ok && !self.is_active(),
            Account::Step(_, _, Outcome::Ok) => false,
            Account::Step(ix, step, outcome) => {
                let service = self.get(ix);
                let cut = outcome == Outcome::Ended && service.way == Way::AtOnce;
                let asked = service.step(Step::Shutdown) != Seen::Unsent;
                let obeyed = outcome == Outcome::Ended && matches!(step, Step::Run | Step::Shutdown) && asked;
                let cancelled = self.cancels(ix, step, outcome, now.input);
                let of_no_use = step == Step::Shutdown || outcome == Outcome::Forced;
                !(cut || obeyed || cancelled || self.is_seen_to(ix, !of_no_use, now))
            }
            Account::Lost(ix, _) | Account::Stuck(ix) => {
                let lost_for_good = matches!(now.input, Input::Gone(..)) && self.must_return(ix);
                lost_for_good || !self.is_seen_to(ix, now.needed, now)
            }
            Account::Panic(ix, _) => !self.is_seen_to(ix, now.needed, now),
            Account::ResourceLost(resource, _) => !self.is_seen_to(resource.service, now.needed, now),
        }
    }

    /// Whether another set-up, a restart, a stop or the return of what was added sees to a failure of the service.
    fn is_seen_to(&self, ix: ServiceIx, needed: bool, now: &Moment) -> bool {
        let service = self.get(ix);
        // An actor that is gone cannot be started again.
        let gone = matches!(now.input, Input::Gone(of, _) if of == ix);
        let again = self.may_retry_setup(ix) || (self.is_up() && self.restarts_on_failure(ix));
        let leaves = !matches!(service.way, Way::On | Way::Down);
        let taken_back = service.transition == Transition::Addition;
        self.is_active() && (leaves || taken_back || (needed && !gone && again))
    }
}
