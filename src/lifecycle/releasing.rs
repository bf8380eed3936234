//! Resources: started by their service, lost, closed, released, accounted for once.
//!
//! ```text
//!   within a service: the last started first, one at a time
//!   services:         side by side, those that depend on others before them
//!   at the deadline:  all that were never asked, at once
//! ```

use super::announcement::{Announcement, Fault, Remedy};
use super::io::{Answer, Command, Departure, Limited};
use super::lease_state::Lease;
use super::machine::{Commands, Machine};
use super::names::{ErrorStage, Outcome, ResourceIx, ServiceIx, Stage};
use super::service::{Actor, Life, Registry, Resource};
use super::stop_state::Pressure;

impl Machine {
    pub(super) fn resource_started(&mut self, ix: ServiceIx, out: &mut Commands) {
        // Before its first life it has nothing to start one with.
        if self.get(ix).registry == Registry::Closed || self.get(ix).actor == Actor::Unborn {
            return;
        }
        self.resources += 1;
        let service = self.service(ix);
        let index = service.resources.len() as u32;
        service.resources.push(Resource::Alive);
        service.live_resources += 1;
        self.note(ix);
        self.review_permit(ix, out);
        let resource = ResourceIx { service: ix, index };
        out.push(Command::Announce(Announcement::ResourceStarted(resource)));
    }

    /// A service may start no further resources.
    pub(super) fn close(&mut self, ix: ServiceIx, out: &mut Commands) {
        self.service(ix).registry = Registry::Closing;
        self.closing += 1;
        out.push(Command::CloseResources(ix));
    }

    pub(super) fn close_if_open(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).registry == Registry::Open && !self.get(ix).vacant {
            self.close(ix, out);
        }
    }

    pub(super) fn resources_closed(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).registry != Registry::Closing {
            return;
        }
        self.service(ix).registry = Registry::Closed;
        self.closing -= 1;
        self.touch(ix);
        if self.stopping.closed {
            self.release_when_closed(out);
        } else {
            self.release_next(ix, out);
        }
    }

    /// Once nobody can start a resource any more, all are released.
    pub(super) fn release_when_closed(&mut self, out: &mut Commands) {
        if self.closing > 0 || self.stage != Stage::Stopping {
            return;
        }
        self.stage = Stage::Releasing;
        out.push(Command::Announce(Announcement::Releasing));
        if self.stopping.pressure >= Pressure::DeadlineReached {
            self.last_call(out);
        } else {
            for ix in self.each() {
                self.release_when_due(ix, out);
            }
        }
        if self.leases.open > 0 {
            self.each().for_each(|ix| self.return_when_cleared(ix, out));
        }
    }

    /// The resources of a service are released after those of the services that depend on it.
    pub(super) fn release_when_due(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.get(ix).neighbours.holding == 0 && self.stopping.pressure < Pressure::DeadlineReached {
            self.release_next(ix, out);
        }
    }

    /// Within a service, the last started goes first; one that is over already is passed over.
    fn release_next(&mut self, ix: ServiceIx, out: &mut Commands) {
        let resources = &self.get(ix).resources;
        if let Some(index) = resources.iter().rposition(|&r| r != Resource::Over)
            && resources[index] == Resource::Alive
        {
            self.release(ResourceIx { service: ix, index: index as u32 }, out);
        }
    }

    fn release(&mut self, resource: ResourceIx, out: &mut Commands) {
        *self.resource(resource) = Resource::Releasing;
        out.push(Command::Announce(Announcement::ReleaseStarted(resource)));
        out.push(Command::Release(resource));
        if self.is_active() {
            out.push(Command::StartStopTimer(resource.service, Limited::Release));
        }
        if self.get(resource.service).lease == Lease::Expired {
            self.force_resource(resource, out);
        }
    }

    fn resource(&mut self, resource: ResourceIx) -> &mut Resource {
        &mut self.service(resource.service).resources[resource.index as usize]
    }

    pub(super) fn released(&mut self, resource: ResourceIx, answer: Answer, out: &mut Commands) {
        if matches!(self.resource(resource), Resource::Releasing | Resource::Forcing) {
            self.resource_over(resource, answer.outcome(), out);
        }
    }

    pub(super) fn resource_gone(&mut self, resource: ResourceIx, departure: Departure, out: &mut Commands) {
        let forcing = *self.resource(resource) == Resource::Forcing;
        if forcing || departure.is_its_own() {
            self.note_departure(resource.service, departure);
            self.resource_over(resource, departure.outcome(), out);
        }
    }

    /// A resource has answered, or has gone: it is accounted for, once.
    fn resource_over(&mut self, resource: ResourceIx, outcome: Outcome, out: &mut Commands) {
        let ix = resource.service;
        let before = std::mem::replace(self.resource(resource), Resource::Over);
        if before == Resource::Over {
            return;
        }
        self.resources -= 1;
        self.service(ix).live_resources -= 1;
        self.service(ix).cut |= outcome == Outcome::Forced;
        if before == Resource::Alive {
            self.resource_lost(resource, outcome, out);
        } else {
            let remedy = Remedy::when(self.is_active());
            let error = (outcome != Outcome::Ok).then_some(Fault { stage: ErrorStage::Shutdown, remedy });
            out.push(Command::Announce(Announcement::ReleaseFinished { resource, outcome, error }));
        }
        self.note(ix);
        self.touch(ix);
        if self.get(ix).registry == Registry::Closed && self.goes_on_releasing(ix) {
            self.release_next(ix, out);
        }
    }

    /// Whether the next of a service's resources is asked when one is over.
    fn goes_on_releasing(&self, ix: ServiceIx) -> bool {
        match self.stage {
            Stage::Releasing => {
                self.stopping.pressure < Pressure::DeadlineReached && self.get(ix).neighbours.holding == 0
            }
            // A restart, or a stop of its own, had begun to release them.
            _ => {
                !self.stopping.closed
                    && self.stopping.pressure < Pressure::DeadlineReached
                    && matches!(self.get(ix).life, Life::Leaving(_))
            }
        }
    }

    /// Resources that were asked have had their time. The others are asked now, all at once.
    pub(super) fn last_call(&mut self, out: &mut Commands) {
        out.push(Command::StartLastCall);
        for resource in self.each_resource().into_iter().rev() {
            match *self.resource(resource) {
                Resource::Alive => self.release(resource, out),
                Resource::Releasing => self.force_resource(resource, out),
                Resource::Forcing | Resource::Over => {}
            }
        }
    }

    pub(super) fn last_call_over(&mut self, out: &mut Commands) {
        if self.stopping.pressure == Pressure::DeadlineReached && self.stage == Stage::Releasing {
            self.stopping.pressure = Pressure::LastCallOver;
            self.wait_for_no_store();
            self.force_all_releasing(out);
        }
    }

    /// Resources that were asked have had their time.
    pub(super) fn force_all_releasing(&mut self, out: &mut Commands) {
        for resource in self.each_resource() {
            if *self.resource(resource) == Resource::Releasing {
                self.force_resource(resource, out);
            }
        }
    }

    pub(super) fn force_resource(&mut self, resource: ResourceIx, out: &mut Commands) {
        *self.resource(resource) = Resource::Forcing;
        out.push(Command::ForceResource(resource));
    }
}
