//! G25, before anything begins: the stores of leases are asked whether they can be used.

use super::super::names::{ErrorStage, ServiceIx};
use super::leases::Tenure;
use super::promises::{Guarantee, Moment, Verdict, ensure};
use super::watched::{Transition, Watched};
use super::world::World;

impl Watched {
    pub(super) fn is_checked(&self) -> bool {
        self.tenure == Tenure::Checking
    }
}

impl World {
    /// Whether stores are to be asked before anything begins, and have not all answered.
    pub(super) fn waits_for_checks(&self) -> bool {
        let unknown = |service: &Watched| matches!(service.tenure, Tenure::Unchecked | Tenure::Checking);
        !self.launched && self.services.iter().any(unknown)
    }

    /// Whether anybody hears of it that the store refuses the lease.
    pub(super) fn refusal_concerns(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        service.stands_by() || !self.launched || service.wanted || service.transition == Transition::Addition
    }

    pub(super) fn obey_check(&mut self, ix: ServiceIx) -> Verdict {
        let first = self.get(ix).tenure == Tenure::Unchecked && self.started && !self.requested;
        ensure(first, Guarantee::G25, "a store is asked once whether it can be used, and first")?;
        self.at(ix).tenure = Tenure::Checking;
        Ok(())
    }

    /// What is refused before anything began ends the manager once all have answered; later at once.
    pub(super) fn note_refusal(&self, ix: ServiceIx, stage: ErrorStage, now: &mut Moment) {
        now.blamed = true;
        if !self.waits_for_checks() {
            now.failure = Some((ix, stage));
        }
    }

    /// Whether the shutdown begins since a store refused a lease, and all others have answered.
    pub(super) fn is_refused(&self, ix: ServiceIx) -> bool {
        !self.launched && self.get(ix).tenure == Tenure::Refused && !self.waits_for_checks()
    }

    /// Once shutdown begins nobody waits for a check.
    pub(super) fn end_checks(&mut self) {
        for service in self.services.iter_mut().filter(|service| service.is_checked()) {
            service.tenure = Tenure::Free;
        }
    }

    /// What holds of the checks between steps.
    pub(super) fn settle_checks(&self) -> Verdict {
        let refused = |service: &Watched| service.tenure == Tenure::Refused && !service.vacant;
        let goes_on = self.is_active() && !self.waits_for_checks() && self.services.iter().any(refused);
        ensure(!goes_on, Guarantee::G25, "nothing goes on where a store refused a lease")?;
        let unasked = |service: &Watched| service.tenure == Tenure::Unchecked && !service.vacant;
        let asked = !self.is_active() || !self.services.iter().any(unasked);
        ensure(asked, Guarantee::G25, "each store is asked")
    }
}
