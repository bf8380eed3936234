//! A hand-over: a successor, which is this program started anew, takes the place of this process.
//!
//! ```text
//!   asked --> the successor starts --it is ready--> passed on: servers give way --nothing is left, or long enough--> shutdown
//!    ^              |      |                                |
//!    |              |      '- takes too long: it is ended   '-- it is gone --> taken back: servers accept again
//!    |              '-------- it is gone --> as if nothing had been
//!    '- a reload is under way: when that is over
//!
//!   in the successor:  services that are marked wait --the predecessor is gone--> they are set up, and run
//! ```
//!
//! This process accepts connections until the successor does. From its shutdown on it cannot take anything back: by then its services are
//! ending, and nobody else is left to serve. A shutdown that comes before the successor is ready ends the successor.
//!
//! What the shell owes, since here nothing is known of a process: as long as this one could take back, it looks whether the successor lives
//! before it feeds anything else, and before it feeds that the successor is ready. Times of an earlier hand-over do not go off in a later one.
//!
//! A reload and a hand-over come one after the other: the successor reads the settings when it starts, so with half of a reload done
//! nobody could say which ones it has.

use super::announcement::Announcement;
use super::handover_names::HandoverEnd;
use super::handover_state::{Phase, Yield};
use super::io::Command;
use super::machine::{Commands, Machine};
use super::names::{Cause, Kind, ServiceIx};
use super::waits_for::WaitsFor;

/// In the process that hands over.
impl Machine {
    /// `StartHandover`, or SIGUSR2: now, or when the reload that is under way is over. One at a time.
    pub(super) fn handover_asked(&mut self, out: &mut Commands) {
        if self.can_hand_over() {
            self.handover.due = true;
            self.hand_over_when_due(out);
        }
    }

    /// Whether `StartHandover` would be obeyed.
    pub(crate) fn can_hand_over(&self) -> bool {
        self.is_ready() && self.handover.phase == Phase::None && !self.handover.has_predecessor
    }

    /// Whether a successor is in charge, and this process could take that back if the successor went.
    pub(crate) fn is_giving_way(&self) -> bool {
        self.handover.phase == Phase::GivingWay
    }

    pub(super) fn hand_over_when_due(&mut self, out: &mut Commands) {
        if !self.handover.due || !self.can_hand_over() || self.reload.step.is_some() {
            return;
        }
        self.handover.due = false;
        self.handover.phase = Phase::Starting;
        self.announce(Announcement::HandoverStarted, out);
        out.push(Command::StartSuccessor);
        out.push(Command::StartHandoverTimer);
    }

    /// Whether nothing else may begin that concerns all services.
    pub(super) fn is_handing_over(&self) -> bool {
        self.handover.phase != Phase::None
    }

    /// All of the successor run: it accepts connections, too.
    pub(super) fn successor_ready(&mut self, out: &mut Commands) {
        if self.handover.phase != Phase::Starting {
            return;
        }
        self.handover.phase = Phase::GivingWay;
        out.push(Command::PassOn);
        for ix in self.each() {
            self.give_way_if_accepting(ix, out);
        }
        out.push(Command::StartGiveWayTimer);
    }

    /// A server that accepts connections while the successor does is to stop that.
    pub(super) fn give_way_if_accepting(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.is_giving_way() && self.get(ix).is_accepting() {
            self.service(ix).yields = Yield::Asked;
            self.handover.giving_way += 1;
            out.push(Command::GiveWay(ix));
        }
    }

    /// A server has no connection left.
    pub(super) fn gave_way(&mut self, ix: ServiceIx) {
        if self.get(ix).yields == Yield::Asked {
            self.service(ix).yields = Yield::Done;
            self.handover.giving_way -= 1;
        }
    }

    /// A server may have gone down: it has nothing left, and accepts again when it comes back, until it is told to give way.
    pub(super) fn note_handover(&mut self, ix: ServiceIx) {
        if self.get(ix).yields != Yield::None && !self.get(ix).is_serving() {
            self.gave_way(ix);
            self.service(ix).yields = Yield::None;
        }
    }

    /// Connections have had the time that giving way may take.
    pub(super) fn give_way_over(&mut self, out: &mut Commands) {
        if self.is_giving_way() {
            self.request_shutdown(Cause::Handover, out);
        }
    }

    /// Nothing is left of any server.
    pub(super) fn pass_when_given_way(&mut self, out: &mut Commands) {
        if self.handover.giving_way == 0 {
            self.give_way_over(out);
        }
    }

    /// The successor was not ready in time.
    pub(super) fn handover_timeout(&mut self, out: &mut Commands) {
        if self.handover.phase == Phase::Starting {
            self.handover.phase = Phase::Ending(Some(HandoverEnd::TimedOut));
            out.push(Command::EndSuccessor);
        }
    }

    /// The successor is dead.
    pub(super) fn successor_gone(&mut self, out: &mut Commands) {
        let end = match self.handover.phase {
            Phase::None | Phase::Passed => return,
            Phase::Starting => Some(HandoverEnd::Failed),
            Phase::Ending(end) => end,
            Phase::GivingWay => Some(HandoverEnd::TakenBack),
        };
        self.handover.phase = Phase::None;
        if end == Some(HandoverEnd::TakenBack) {
            self.take_back(out);
        }
        if let Some(end) = end {
            self.announce(Announcement::HandoverFinished(end), out);
        }
        self.reload_when_due(out);
    }

    fn take_back(&mut self, out: &mut Commands) {
        out.push(Command::TakeBack);
        for ix in self.forget_who_gives_way() {
            out.push(Command::Resume(ix));
        }
    }

    /// Nobody is waited for any more; tells who had been told to give way.
    fn forget_who_gives_way(&mut self) -> Vec<ServiceIx> {
        self.handover.giving_way = 0;
        let told = |ix: &ServiceIx| self.get(*ix).yields != Yield::None;
        let told: Vec<ServiceIx> = self.each().filter(told).collect();
        for &ix in &told {
            self.service(ix).yields = Yield::None;
        }
        told
    }

    /// The shutdown begins. Whoever is told of it knows by then what it means.
    pub(super) fn call_handover_off(&mut self, out: &mut Commands) {
        self.handover.due = false;
        let end = match self.handover.phase {
            Phase::None | Phase::Passed => return,
            Phase::Starting => {
                out.push(Command::EndSuccessor);
                self.handover.phase = Phase::Ending(None);
                Some(HandoverEnd::CalledOff)
            }
            Phase::Ending(end) => {
                self.handover.phase = Phase::Ending(None);
                end
            }
            Phase::GivingWay => {
                self.handover.phase = Phase::Passed;
                self.forget_who_gives_way();
                Some(HandoverEnd::Passed)
            }
        };
        if let Some(end) = end {
            self.announce(Announcement::HandoverFinished(end), out);
        }
    }
}

/// In the successor.
impl Machine {
    /// This process has a predecessor: services that are marked so wait until that has released everything. To be called before
    /// [`Input::Start`](super::Input::Start).
    pub(crate) fn succeeds(&mut self) {
        self.handover.has_predecessor = true;
        for at in 0..self.order.len() {
            self.wait_if_marked(self.order[at]);
        }
    }

    /// A service that is marked waits, and whoever depends on one that does. The gRPC server does not: its port is what is handed over.
    pub(super) fn wait_if_marked(&mut self, ix: ServiceIx) {
        let service = self.get(ix);
        let behind = service.depends_on.iter().any(|on| self.get(on.on).waits);
        let waits = self.handover.has_predecessor
            && service.kind != Kind::Server
            && (service.after_handover || behind);
        self.service(ix).waits = waits;
        self.handover.waiting += u32::from(waits);
    }

    /// That a service begins to wait.
    pub(super) fn tell_standby(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).waits {
            self.announce(Announcement::Standby(ix, WaitsFor::Predecessor), out);
        }
    }

    /// Whether a service is not started before the predecessor has released everything.
    pub(crate) fn waits_for_predecessor(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        service.waits && service.wanted && !service.vacant && self.is_active()
    }

    /// The predecessor has released everything, or is dead.
    pub(super) fn predecessor_gone(&mut self, out: &mut Commands) {
        if !std::mem::take(&mut self.handover.has_predecessor) {
            return;
        }
        self.handover.waiting = 0;
        for at in 0..self.order.len() {
            let ix = self.order[at];
            if std::mem::take(&mut self.service(ix).waits) {
                self.start_when_due(ix, out);
                self.set_up_when_due(ix, out);
            }
        }
        self.run_when_set_up(out);
    }
}
