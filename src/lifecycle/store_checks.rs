//! Before anything begins, the stores of leases are asked whether they can be used at all: a wrong password is told then, and not when others run.
//!
//! ```text
//!   Start --> each lease: Unchecked --> Checking --LeaseChecked--> Free
//!                                          '------LeaseRefused-->  Free
//!   all are answered --> nobody was refused: the way up begins
//!                    '-> else: the shutdown, with the errors of all who were
//! ```
//!
//! A store that is away refuses nothing: its services stand by. What is added to a running manager is checked, too, and taken back where it is refused.

use super::announcement::{Announcement, Fault, Remedy};
use super::io::Command;
use super::lease_state::Lease;
use super::machine::{Commands, Machine};
use super::names::{Cause, ErrorStage, ServiceIx, Stage};
use super::service::Transition;

impl Machine {
    /// Whether it is not known yet that the store of a service's lease can be used.
    pub(crate) fn is_checking(&self, ix: ServiceIx) -> bool {
        self.get(ix).lease == Lease::Checking
    }

    /// Whether nothing begins before the stores have answered.
    pub(crate) fn waits_for_checks(&self) -> bool {
        self.stage == Stage::SettingUp && self.leases.checking > 0
    }

    pub(super) fn check_lease(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).lease == Lease::Unchecked {
            self.set_lease(ix, Lease::Checking);
            out.push(Command::CheckLease(ix));
        }
    }

    pub(super) fn begin_when_checked(&mut self, out: &mut Commands) {
        if self.leases.checking > 0 {
            return;
        }
        match self.leases.refused {
            Some(ix) => self.request_shutdown(Cause::SetupFailed(ix), out),
            None => self.begin(out),
        }
    }

    pub(super) fn lease_checked(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.is_checking(ix) {
            self.set_lease(ix, Lease::Free);
            self.go_on_checked(ix, out);
        }
    }

    fn go_on_checked(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.stage == Stage::SettingUp {
            return self.begin_when_checked(out);
        }
        self.touch(ix);
        self.vacate_when_gone(ix, out);
    }

    /// The store can never be used for this lease.
    pub(super) fn check_refused(&mut self, ix: ServiceIx, out: &mut Commands) {
        self.set_lease(ix, Lease::Free);
        let service = self.get(ix);
        let is_added = service.transition == Transition::Addition;
        let concerns = self.stage == Stage::SettingUp || is_added || service.wanted;
        if concerns {
            let (stage, _) = self.blame(ix);
            let remedy = if is_added { Remedy::Other } else { Remedy::None };
            let error = Fault { stage, remedy };
            self.announce(Announcement::LeaseRefused { service: ix, error }, out);
        }
        if self.stage == Stage::SettingUp {
            self.leases.refused.get_or_insert(ix);
        } else if is_added {
            self.roll_back(ix, out);
        } else if concerns {
            return self.request_shutdown(Cause::RunFailed(ix), out);
        }
        self.go_on_checked(ix, out);
    }

    /// What a failure of the manager's counts as that a service did nothing for.
    pub(super) fn blame(&self, ix: ServiceIx) -> (ErrorStage, Cause<ServiceIx>) {
        match self.has_run() {
            true => (ErrorStage::Run, Cause::RunFailed(ix)),
            false => (ErrorStage::Setup, Cause::SetupFailed(ix)),
        }
    }

    /// After the shutdown began nobody waits for a check.
    pub(super) fn end_checks(&mut self) {
        if self.leases.checking > 0 {
            for ix in self.each() {
                if self.is_checking(ix) {
                    self.set_lease(ix, Lease::Free);
                }
            }
        }
    }
}
