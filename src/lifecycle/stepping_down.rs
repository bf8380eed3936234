//! An order to give a lease away, so that another replica has it: its service stops, and stays out for a while.
//!
//! ```text
//!   has its lease --StepDown--> Shutdown --> resources --> given back --> stays out --its time is over, or it is restarted--> stands by
//!                                                                            '--stopped, or removed--> free
//! ```
//!
//! How long it stays out is the shell's to know. It begins when the lease has been given back, so that all of it belongs to the others.

use super::announcement::Announcement;
use super::io::Command;
use super::lease_state::Lease;
use super::machine::{Commands, Machine};
use super::names::{Outcome, ServiceIx, Stage};
use super::service::{Actor, StopMode, Transition};

impl Machine {
    /// Whether a service has a lease that it can give away, and stand by afterwards.
    pub(crate) fn can_step_down(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let returns = service.wanted && service.restartable && service.actor != Actor::Gone;
        service.lease == Lease::Held && returns
    }

    /// Whether it was told to, and has not given it back yet.
    pub(crate) fn is_stepping_down(&self, ix: ServiceIx) -> bool {
        self.get(ix).transition == Transition::StepDown
    }

    /// Whether it has given its lease away, and asks for none for a while.
    pub(crate) fn stays_out(&self, ix: ServiceIx) -> bool {
        self.get(ix).lease == Lease::Out
    }

    /// `StepDown`
    pub(super) fn step_down_asked(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.stage != Stage::Running || self.is_stepping_down(ix) || !self.can_step_down(ix) {
            return;
        }
        // It comes back by its lease, not by a delay.
        self.service(ix).owes_delay = None;
        self.end_transition(ix, out);
        self.service(ix).transition = Transition::StepDown;
        self.announce(Announcement::StepDownStarted(ix), out);
        self.leave(ix, StopMode::Asked);
    }

    /// The lease is given back, or lapses; whatever it was given back for.
    pub(super) fn finish_step_down(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.service(ix);
        service.transition = Transition::None;
        let forced = service.cut || service.left_behind;
        let outcome = if forced { Outcome::Forced } else { Outcome::Ok };
        self.announce(Announcement::StepDownFinished(ix, outcome), out);
    }

    /// Others have their chance from now on.
    pub(super) fn stay_out(&mut self, ix: ServiceIx, out: &mut Commands) {
        out.push(Command::StartStayOut(ix));
        self.stand_by(ix, out);
        self.tell_running(out);
    }

    /// It has stayed out for long enough.
    pub(super) fn stay_out_over(&mut self, ix: ServiceIx) {
        if self.is_active() {
            self.end_stay_out(ix);
        }
    }
}
