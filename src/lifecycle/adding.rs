//! Who joins a running manager, and who leaves it for good.
//!
//! ```text
//!   Added --> set up, run                      RemoveAsked, where nobody depends on it --> Shutdown --> down --> gone
//!       '---> cannot: taken back, with all that were added to depend on it ---------------------------'
//! ```

use super::announcement::Announcement;
use super::io::Command;
use super::machine::{Commands, Machine};
use super::names::{ServiceIx, Stage};
use super::service::{Actor, Life, Neighbours, StopMode, Transition};

impl Machine {
    /// A service was handed to the running manager.
    pub(super) fn added(&mut self, ix: ServiceIx, out: &mut Commands) {
        for at in 0..self.get(ix).depends_on.len() {
            self.review_permit(self.get(ix).depends_on[at].on, out);
        }
        let service = self.service(ix);
        if service.life == Life::Down
            && service.actor == Actor::Unborn
            && service.transition == Transition::None
        {
            service.transition = Transition::Addition;
            self.check_lease(ix, out);
            self.tell_standby(ix, out);
            self.touch(ix);
        }
    }

    /// What was added could not be set up, or has no use for its lease. Those that were added to depend on it have never been up either, and never will be.
    pub(super) fn roll_back(&mut self, ix: ServiceIx, out: &mut Commands) {
        let mut all = vec![ix];
        let mut at = 0;
        while let Some(&ix) = all.get(at) {
            for by in self.dependents(ix) {
                if !all.contains(&by) {
                    all.push(by);
                }
            }
            at += 1;
        }
        for &ix in all.iter().rev() {
            self.leave_for_good(ix, out);
        }
    }

    fn leave_for_good(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).transition == Transition::Restart {
            self.end_transition(ix, out);
        }
        let service = self.service(ix);
        (service.wanted, service.leaves_for_good, service.owes_delay) = (false, true, None);
        self.leave(ix, StopMode::AtOnce);
        self.note(ix);
        if self.get(ix).life == Life::Down {
            self.dismiss(ix, out);
        }
    }

    /// `RemoveService`: not while others depend on it.
    pub(super) fn remove_asked(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.stage != Stage::Running || self.get(ix).leaves_for_good || !self.get(ix).dependents.is_empty()
        {
            return;
        }
        self.service(ix).leaves_for_good = true;
        self.stop_asked(ix, out);
        if self.get(ix).life == Life::Down {
            self.dismiss(ix, out);
        }
    }

    /// The actor of one that leaves for good, and is down, ends.
    pub(super) fn dismiss(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.service(ix);
        if service.life != Life::Down || !service.leaves_for_good {
            return;
        }
        if service.actor == Actor::Suspended {
            service.actor = Actor::Retiring;
            out.push(Command::Retire(ix));
        }
        self.vacate_when_gone(ix, out);
    }

    /// The place of one that has left for good becomes free.
    pub(super) fn vacate_when_gone(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.get(ix);
        let gone = matches!(service.actor, Actor::Gone | Actor::Unborn);
        let leaves = service.leaves_for_good && service.life == Life::Down && !service.vacant;
        let settled = service.lease.is_settled();
        let needed = !service.dependents.is_empty();
        if self.stage != Stage::Running || !leaves || !gone || !settled || needed {
            return;
        }
        self.announce(Announcement::ServiceRemoved(ix), out);
        let depends_on = std::mem::take(&mut self.service(ix).depends_on);
        for dependency in &depends_on {
            self.service(dependency.on).dependents.retain(|dependent| dependent.by != ix);
            self.review_permit(dependency.on, out);
        }
        self.order.retain(|&other| other != ix);
        self.service(ix).vacant = true;
        self.handover.waiting -= u32::from(std::mem::take(&mut self.service(ix).waits));
        self.service(ix).neighbours = Neighbours::default();
        self.service(ix).transition = Transition::None;
        self.vacant.push(ix);
        for dependency in depends_on {
            self.vacate_when_gone(dependency.on, out);
        }
    }
}
