//! The permit of a restart: a service that fails begins its next life by itself, and the rules hear of it.
//!
//! ```text
//!              up, alone, restarted at once, within its budget
//!   no permit ------------------ Permit -----------------> permitted
//!       ^                                                   |    |
//!       |-- Withdraw: any of that is true no longer --------'    |
//!       '-- StartedOver: failed, begun again, being set up ------'
//! ```
//!
//! Without a permit a service that fails tells so, and waits to be told to start again. All that the rules would weigh then is known
//! before: so they say it in advance. A permit is for one restart. To whom it is granted no other command goes before it is withdrawn.
//! Whoever withdraws it learns whether it was taken: then that is an input of its own, which comes before whatever led to the withdrawal.

use super::announcement::Announcement;
use super::io::{Command, Departure};
use super::lease_state::Lease;
use super::machine::{Commands, Machine};
use super::names::{Kind, ServiceIx, Stage, Step};
use super::reload_state::Share;
use super::service::{Actor, Life, Progress, Transition};
use super::spec::RestartMode;

impl Machine {
    /// Whether a failure of the service would have it started again with nothing to be done before that.
    pub(super) fn may_start_over(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        let runs = service.life == Life::On && service.actor == Actor::Alive && service.is_open(Step::Run);
        let stays = service.wanted && !service.leaves_for_good && service.transition == Transition::None;
        // Nobody goes down with it, nothing is to be released or given back, and what it depends on is there.
        let alone = service.lease == Lease::Unneeded
            && service.dependents.is_empty()
            && service.resources.is_empty()
            && service.neighbours.missing == 0
            && service.reload == Share::None;
        let restarts = service.at_once && service.mode != RestartMode::Never && service.may_restart();
        self.stage == Stage::Running && service.kind == Kind::Generic && restarts && runs && stays && alone
    }

    /// Grants the permit or takes it back, as it is due now. To be called after every change of what it depends on, and before
    /// the service is told anything because of that.
    pub(super) fn review_permit(&mut self, ix: ServiceIx, out: &mut Commands) {
        let may = self.may_start_over(ix);
        if std::mem::replace(&mut self.service(ix).permitted, may) != may {
            out.push(if may { Command::Permit(ix) } else { Command::Withdraw(ix) });
        }
    }

    /// A service that was permitted to has failed, and begun its next life: it is being set up.
    pub(super) fn started_over(&mut self, ix: ServiceIx, departure: Departure, out: &mut Commands) {
        if !self.get(ix).permitted || !departure.is_its_own() {
            return;
        }
        self.service(ix).permitted = false;
        // It fails as any other that comes to rest by itself, which counts it and tells of it. Then nothing keeps it down.
        self.departed(ix, departure, Actor::Suspended, out);
        debug_assert_ne!(self.get(ix).life, Life::On, "its failure leads to a restart");
        let service = self.service(ix);
        service.owes_delay = None;
        service.start_over();
        (service.life, service.actor) = (Life::On, Actor::Alive);
        out.push(Command::Adopt(ix));
        self.service(ix).set(Step::Setup, Progress::Open);
        self.open_steps += 1;
        self.announce(Announcement::StepStarted(ix, Step::Setup), out);
        self.note(ix);
        self.touch(ix);
    }

    /// Whether the service may begin its next life by itself.
    pub(crate) fn is_permitted(&self, ix: ServiceIx) -> bool {
        self.get(ix).permitted
    }
}
