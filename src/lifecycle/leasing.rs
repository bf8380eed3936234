//! A service that runs on one replica only: each of its lives needs a lease of its own, as its first resource, given back last.
//!
//! ```text
//!   may start --> stands by --acquired--> Setup, Run --.                              .--> stands by again
//!                    ^                       |         failed, stopped, restarted      |
//!                    |                       '--lost--> Shutdown --> resources --> given back
//!                    |                            '--the lease ends--> cut --'
//!                    '-- who may not start any more gives back what it may have got
//! ```
//!
//! Others do not wait for a service that stands by: the manager counts as running. What may still run, on a thread that blocks, never gives its
//! lease back: it lapses, and the shell ends the process before it does.

use super::announcement::{Announcement, Fault, Remedy};
use super::io::{Command, Departure};
use super::lease_state::Lease;
use super::machine::{Commands, Machine};
use super::names::{ResourceIx, ServiceIx, Stage};
use super::service::{Actor, Life, Resource, StopMode};
use super::stop_state::Pressure;
use super::waits_for::WaitsFor;

impl Machine {
    /// Whether a service that is due to start may: it needs no lease, or has it. Else it begins to stand by.
    pub(super) fn may_live(&mut self, ix: ServiceIx, out: &mut Commands) -> bool {
        match self.get(ix).lease {
            Lease::Unneeded | Lease::Held => true,
            Lease::Free => {
                self.set_lease(ix, Lease::Sought);
                out.push(Command::SeekLease(ix));
                self.stand_by(ix, out);
                self.run_when_set_up(out);
                self.tell_running(out);
                false
            }
            Lease::Unchecked | Lease::Checking => false,
            Lease::Sought | Lease::Lost | Lease::Expired => false,
            Lease::Out | Lease::Returning | Lease::Left => false,
        }
    }

    /// It has come as far as it can by itself.
    pub(super) fn stand_by(&mut self, ix: ServiceIx, out: &mut Commands) {
        self.arrive(ix, out);
        self.announce(Announcement::Standby(ix, WaitsFor::Lease), out);
    }

    /// Whether a service waits for its lease, and all is well.
    pub(crate) fn stands_by(&self, ix: ServiceIx) -> bool {
        self.get(ix).lease == Lease::Sought
    }

    /// How far a service is from its lease.
    pub(crate) fn lease_state(&self, ix: ServiceIx) -> Lease {
        self.get(ix).lease
    }

    pub(super) fn lease_acquired(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).lease == Lease::Sought {
            self.set_lease(ix, Lease::Held);
            self.announce(Announcement::LeaseAcquired(ix), out);
            self.start_when_due(ix, out);
        }
    }

    /// The lease cannot be kept: there is time to stop.
    pub(super) fn lease_lost(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).lease != Lease::Held {
            return;
        }
        self.set_lease(ix, Lease::Lost);
        self.announce(Announcement::LeaseLost(ix), out);
        if !self.is_stopping() {
            self.leave(ix, StopMode::Asked);
        } else if self.stage == Stage::Stopping && !self.get(ix).asked {
            // Not even the drain delay is left to it.
            self.ask(ix, out);
        }
    }

    /// There is no time left: what still runs is cut.
    pub(super) fn lease_expired(&mut self, ix: ServiceIx, out: &mut Commands) {
        self.lease_lost(ix, out);
        if self.get(ix).lease != Lease::Lost {
            return;
        }
        self.set_lease(ix, Lease::Expired);
        if self.stage == Stage::Stopping
            && matches!(self.get(ix).actor, Actor::Alive | Actor::Suspending | Actor::Retiring)
        {
            self.force(ix, out);
        }
        for index in 0..self.get(ix).resources.len() {
            if self.get(ix).resources[index] == Resource::Releasing {
                self.force_resource(ResourceIx { service: ix, index: index as u32 }, out);
            }
        }
        self.touch(ix);
    }

    /// The store will never grant it: that is a failure of the manager's.
    pub(super) fn lease_refused(&mut self, ix: ServiceIx, out: &mut Commands) {
        match self.get(ix).lease {
            Lease::Sought => {}
            Lease::Checking => return self.check_refused(ix, out),
            _ => return,
        }
        self.set_lease(ix, Lease::Free);
        let (stage, cause) = self.blame(ix);
        let error = Fault { stage, remedy: Remedy::None };
        self.announce(Announcement::LeaseRefused { service: ix, error }, out);
        self.request_shutdown(cause, out);
    }

    pub(super) fn lease_returned(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).lease == Lease::Returning {
            let is_given_away = self.is_stepping_down(ix);
            self.set_lease(ix, if is_given_away { Lease::Out } else { Lease::Free });
            if is_given_away {
                self.finish_step_down(ix, out);
                self.stay_out(ix, out);
            }
            self.touch(ix);
            self.vacate_when_gone(ix, out);
        }
    }

    /// Who stands by, and may not start any more, stops asking.
    pub(super) fn withdraw(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).lease == Lease::Sought {
            self.return_lease(ix, out);
        }
    }

    /// Who stays out may ask for its lease again, or never will.
    pub(super) fn end_stay_out(&mut self, ix: ServiceIx) {
        if self.get(ix).lease == Lease::Out {
            self.set_lease(ix, Lease::Free);
            self.touch(ix);
        }
    }

    pub(super) fn withdraw_all(&mut self, out: &mut Commands) {
        self.end_checks();
        if self.leases.standing_by > 0 {
            self.each().for_each(|ix| self.withdraw(ix, out));
        }
    }

    /// Nothing is left of a life.
    pub(super) fn return_lease(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.get(ix);
        if service.lease != Lease::Sought && !service.lease.is_taken() {
            return;
        }
        if service.left_behind {
            self.set_lease(ix, Lease::Left);
            out.push(Command::LeaveLease(ix));
            if self.is_stepping_down(ix) {
                self.finish_step_down(ix, out);
            }
            return;
        }
        // After the last call nobody waits for a store.
        let waits = self.stopping.pressure < Pressure::LastCallOver;
        self.set_lease(ix, if waits { Lease::Returning } else { Lease::Free });
        out.push(Command::ReturnLease(ix));
    }

    /// In the shutdown, a lease is given back once the resources of its service are.
    pub(super) fn return_when_cleared(&mut self, ix: ServiceIx, out: &mut Commands) {
        let service = self.get(ix);
        if service.lease.is_taken() && service.rests() && !service.has_resources() {
            self.return_lease(ix, out);
        }
    }

    /// The stores have had their time.
    pub(super) fn wait_for_no_store(&mut self) {
        for ix in self.each() {
            if self.get(ix).lease == Lease::Returning {
                self.set_lease(ix, Lease::Free);
            }
        }
    }

    /// Something of the service may still run, on a thread that was given up.
    pub(super) fn note_departure(&mut self, ix: ServiceIx, departure: Departure) {
        let service = self.service(ix);
        service.left_behind |= service.lease.is_taken() && departure == Departure::Abandoned;
    }

    /// Whether a service has no time left, and is not yet at rest.
    pub(super) fn is_to_be_cut(&self, ix: ServiceIx) -> bool {
        let service = self.get(ix);
        service.lease == Lease::Expired && matches!(service.life, Life::Leaving(_))
    }

    pub(super) fn set_lease(&mut self, ix: ServiceIx, lease: Lease) {
        let before = std::mem::replace(&mut self.service(ix).lease, lease);
        let counts = &mut self.leases;
        counts.standing_by += u32::from(lease == Lease::Sought);
        counts.standing_by -= u32::from(before == Lease::Sought);
        counts.checking += u32::from(lease == Lease::Checking);
        counts.checking -= u32::from(before == Lease::Checking);
        counts.open += u32::from(lease.is_open());
        counts.open -= u32::from(before.is_open());
    }
}
