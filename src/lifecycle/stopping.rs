//! The way down: drain, ask, release, force. The resources are in `releasing`.
//!
//! ```text
//!  asked --[drain delay]--> Shutdown to all --> all settled --> actors retired --> resources closed --> Release
//!    |                      those that depend on others go first
//!    '--> who is being set up is told at once
//!  share:    who still waits for those that depend on it is asked all the same
//!  reserve:  what has not settled is forced, then on as above
//!  deadline: everybody is forced; resources never asked are asked now, all at once, and get a last moment
//! ```

use super::announcement::Announcement;
use super::io::Command;
use super::machine::{Commands, Machine};
use super::names::{Cause, ServiceIx, Stage};
use super::service::Actor;
use super::spec::stop_turns;
use super::stop_state::{Drain, Pressure};

impl Machine {
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.cause.is_some()
    }

    /// Shutdown begins, unless it has: the first cause is kept.
    pub(super) fn request_shutdown(&mut self, cause: Cause<ServiceIx>, out: &mut Commands) {
        if self.is_stopping() || self.stage == Stage::Stopped {
            return;
        }
        // Nobody has to hear of an address that goes on.
        let passed = self.is_giving_way();
        self.call_handover_off(out);
        self.stopping.cancels = !matches!(cause, Cause::SetupFailed(_));
        self.stopping.cause = Some(cause.clone());
        self.stopping.ran = self.stage == Stage::Running;
        self.stage = Stage::Stopping;
        out.push(Command::Announce(Announcement::ShutdownRequested(cause)));
        for ix in self.each() {
            self.review_permit(ix, out);
            self.end_transition(ix, out);
        }
        self.call_reload_off(out);
        self.withdraw_all(out);
        self.recount();
        out.push(Command::StartDeadlines { shares: self.take_turns() });
        if self.stopping.ran {
            out.push(Command::Announce(Announcement::Draining));
        }
        self.cancel_set_ups(out);
        if self.stopping.ran && self.stopping.drain_delay && !passed {
            self.stopping.drain = Drain::Delay;
            out.push(Command::StartDrainDelay);
        } else {
            self.ask_to_stop(out);
        }
    }

    /// G21: what is being set up serves nobody in the drain delay, and will never run: it is told at once, whoever depends on it.
    fn cancel_set_ups(&mut self, out: &mut Commands) {
        for ix in self.each() {
            let service = self.get(ix);
            if service.is_being_set_up() && !service.asked {
                self.ask(ix, out);
            }
        }
    }

    /// Notes after how many others each service stops; how many turns that makes.
    fn take_turns(&mut self) -> u32 {
        let needs = |at: usize| self.services[at].depends_on.iter().map(|on| on.on.0 as usize);
        let order = self.order.iter().map(|ix| ix.0 as usize);
        let turns = stop_turns(self.services.len(), order, needs);
        for (service, turn) in self.services.iter_mut().zip(&turns) {
            service.level = *turn;
        }
        turns.into_iter().max().unwrap_or(0) + 1
    }

    pub(super) fn drain_delay_over(&mut self, out: &mut Commands) {
        if self.stopping.drain == Drain::Delay {
            self.ask_to_stop(out);
        }
    }

    fn ask_to_stop(&mut self, out: &mut Commands) {
        self.stopping.drain = Drain::Over;
        for ix in self.each() {
            self.ask_when_due(ix, out);
        }
    }

    /// A service is asked once those that depend on it are done, or have spent their share of the time.
    pub(super) fn ask_when_due(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.get(ix);
        let due = service.neighbours.blocking == 0 || service.level <= self.stopping.shares;
        if self.stopping.drain == Drain::Over && !service.asked && !service.vacant && due {
            self.ask(ix, out);
        }
    }

    pub(super) fn share_spent(&mut self, share: u32) {
        if self.stage != Stage::Stopping
            || self.stopping.drain != Drain::Over
            || share <= self.stopping.shares
        {
            return;
        }
        self.stopping.shares = share;
        for ix in self.each().filter(|&ix| self.get(ix).level <= share).collect::<Vec<_>>() {
            self.touch(ix);
        }
    }

    /// Nothing is left to be drained: the gRPC server has ended, or there was none.
    pub(super) fn drained(&mut self, out: &mut Commands) {
        if self.is_stopping() && self.stopping.ran && !self.stopping.drained {
            self.stopping.drained = true;
            out.push(Command::Announce(Announcement::Drained));
        }
    }

    /// Goes as far down as the state allows.
    pub(super) fn advance(&mut self, out: &mut Commands) {
        self.pass_when_given_way(out);
        if self.stage == Stage::Stopping {
            if self.stopping.drain == Drain::Delay && self.open_runs == 0 {
                // No service is left that could use the delay.
                self.ask_to_stop(out);
            }
            if self.stopping.drain == Drain::Over && self.open_steps == 0 && !self.stopping.retired {
                self.retire(out);
            }
            if self.stopping.retired && self.actors == 0 {
                self.close_all(out);
            }
        }
        self.stop_when_over(out);
    }

    /// No step is open: all actors are retired.
    fn retire(&mut self, out: &mut Commands) {
        self.stopping.retired = true;
        for ix in self.each() {
            if matches!(self.get(ix).actor, Actor::Alive | Actor::Suspending | Actor::Suspended) {
                self.service(ix).actor = Actor::Retiring;
                out.push(Command::Retire(ix));
                if self.stopping.pressure > Pressure::Patient {
                    self.force(ix, out);
                }
            }
        }
    }

    fn close_all(&mut self, out: &mut Commands) {
        if self.stopping.closed {
            return;
        }
        self.stopping.closed = true;
        self.drained(out);
        for ix in self.each() {
            self.close_if_open(ix, out);
        }
        self.release_when_closed(out);
    }

    pub(super) fn reserve_reached(&mut self, out: &mut Commands) {
        if self.is_stopping() && self.stopping.pressure < Pressure::ReserveReached {
            self.stopping.pressure = Pressure::ReserveReached;
            self.force_services(out);
        }
    }

    /// No service has time left: those that have not settled, or not gone, are forced.
    fn force_services(&mut self, out: &mut Commands) {
        self.stopping.drain = Drain::Over;
        for ix in self.each() {
            if !self.get(ix).asked && !self.get(ix).vacant {
                self.service(ix).asked = true;
                out.push(Command::SignalRequested(ix));
                self.note(ix);
            }
            let service = self.get(ix);
            let unsettled = service.actor == Actor::Alive && !service.is_settled();
            if unsettled || matches!(service.actor, Actor::Retiring | Actor::Suspending) {
                self.force(ix, out);
            }
        }
    }

    pub(super) fn force(&mut self, ix: ServiceIx, out: &mut Commands) {
        self.service(ix).actor = Actor::Forcing;
        out.push(Command::Force(ix));
    }

    pub(super) fn force_now(&mut self, cause: Cause<ServiceIx>, out: &mut Commands) {
        self.request_shutdown(cause, out);
        self.deadline_reached(out);
    }

    pub(super) fn deadline_reached(&mut self, out: &mut Commands) {
        if !self.is_stopping()
            || self.stage == Stage::Stopped
            || self.stopping.pressure >= Pressure::DeadlineReached
        {
            return;
        }
        self.stopping.pressure = Pressure::DeadlineReached;
        self.force_services(out);
        self.retire(out);
        // Forced actors are gone soon, or given up. Until then no resource is released.
        if self.stage == Stage::Releasing {
            self.last_call(out);
        } else {
            self.force_all_releasing(out);
        }
    }

    fn stop_when_over(&mut self, out: &mut Commands) {
        if self.stage == Stage::Releasing && self.resources == 0 && self.actors == 0 && self.leases.open == 0
        {
            self.stage = Stage::Stopped;
            out.push(Command::Announce(Announcement::Stopped));
        }
    }
}
