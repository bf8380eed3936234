//! The way down: drain, ask, release, force.
//!
//! ```text
//!  asked --[drain delay]--> Shutdown to all --> all settled --> actors retired --> resources closed
//!                                                                   --> Release, last started first
//!  reserve:  what has not settled is forced, then on as above
//!  deadline: everybody is forced; resources never asked are asked now, all at once, and get a last moment
//! ```

use super::io::{Announcement, Answer, Command, Departure};
use super::machine::{Commands, Machine};
use super::names::{Cause, Outcome, ResourceIx, ServiceIx, Stage, Step};
use super::service::{Actor, Resource};

/// How far the way down has come.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stopping {
    drain_delay: bool,
    pub(super) cause: Option<Cause<ServiceIx>>,
    /// Whether services had begun to run when shutdown was asked.
    pub(super) ran: bool,
    drain: Drain,
    drained: bool,
    pub(super) retired: bool,
    closing: bool,
    pressure: Pressure,
}

/// The drain delay, in which everything still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Drain {
    NotBegun,
    Delay,
    Over,
}

/// How patient the manager still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Pressure {
    Patient,
    ReserveReached,
    DeadlineReached,
    LastCallOver,
}

impl Stopping {
    pub(super) fn new(drain_delay: bool) -> Self {
        Self {
            drain_delay,
            cause: None,
            ran: false,
            drain: Drain::NotBegun,
            drained: false,
            retired: false,
            closing: false,
            pressure: Pressure::Patient,
        }
    }
}

impl Machine {
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.cause.is_some()
    }

    /// Shutdown begins, unless it has: the first cause is kept.
    pub(super) fn request_shutdown(&mut self, cause: Cause<ServiceIx>, out: &mut Commands) {
        if self.is_stopping() || self.stage == Stage::Stopped {
            return;
        }
        self.stopping.cause = Some(cause.clone());
        self.stopping.ran = self.stage == Stage::Running;
        self.stage = Stage::Stopping;
        out.push(Command::Announce(Announcement::ShutdownRequested(cause)));
        out.push(Command::StartDeadlines);
        if self.stopping.ran {
            out.push(Command::Announce(Announcement::Draining));
        }
        if self.stopping.ran && self.stopping.drain_delay {
            self.stopping.drain = Drain::Delay;
            out.push(Command::StartDrainDelay);
        } else {
            self.ask_to_stop(out);
        }
        self.advance(out);
    }

    pub(super) fn drain_delay_over(&mut self, out: &mut Commands) {
        if self.stopping.drain == Drain::Delay {
            self.ask_to_stop(out);
            self.advance(out);
        }
    }

    fn ask_to_stop(&mut self, out: &mut Commands) {
        self.stopping.drain = Drain::Over;
        out.push(Command::SignalRequested);
        for ix in self.each() {
            let service = self.service(ix);
            if service.is_open(Step::Run) && service.actor == Actor::Alive {
                self.send(ix, Step::Shutdown, out);
            }
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
        if self.stage != Stage::Stopping {
            return;
        }
        if self.stopping.drain == Drain::Delay && self.open_runs == 0 {
            // Nobody is left who could use the delay.
            self.ask_to_stop(out);
        }
        if self.stopping.drain == Drain::Over && self.open_steps == 0 && !self.stopping.retired {
            self.retire(out);
        }
        if self.stopping.retired && self.actors == 0 {
            self.close_resources(out);
        }
    }

    /// Nobody has anything left to do: all actors may go.
    fn retire(&mut self, out: &mut Commands) {
        self.stopping.retired = true;
        for ix in self.each() {
            if self.service(ix).actor == Actor::Alive {
                self.service(ix).actor = Actor::Retiring;
                out.push(Command::Retire(ix));
                if self.stopping.pressure > Pressure::Patient {
                    self.force(ix, out);
                }
            }
        }
    }

    fn close_resources(&mut self, out: &mut Commands) {
        if !self.stopping.closing {
            self.stopping.closing = true;
            self.drained(out);
            out.push(Command::CloseResources);
        }
    }

    pub(super) fn resource_started(&mut self, ix: ServiceIx, out: &mut Commands) {
        if self.stage >= Stage::Releasing {
            return;
        }
        self.resources += 1;
        let index = self.service(ix).resources.len() as u32;
        self.service(ix).resources.push(Resource::Alive);
        let resource = ResourceIx { service: ix, index };
        out.push(Command::Announce(Announcement::ResourceStarted(resource)));
    }

    pub(super) fn resources_closed(&mut self, out: &mut Commands) {
        if !self.stopping.closing || self.stage != Stage::Stopping {
            return;
        }
        self.stage = Stage::Releasing;
        out.push(Command::Announce(Announcement::Releasing));
        if self.stopping.pressure >= Pressure::DeadlineReached {
            self.last_call(out);
        } else {
            for ix in self.each() {
                self.release_next(ix, out);
            }
        }
        self.stop_when_over(out);
    }

    /// Within a service, the last started goes first; one that is over already is passed over.
    fn release_next(&mut self, ix: ServiceIx, out: &mut Commands) {
        let resources = &self.service(ix).resources;
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
        if forcing || matches!(departure, Departure::Ended | Departure::Panicked) {
            self.resource_over(resource, departure.outcome(), out);
        }
    }

    /// A resource has answered, or has gone: it is accounted for, once.
    fn resource_over(&mut self, resource: ResourceIx, outcome: Outcome, out: &mut Commands) {
        match std::mem::replace(self.resource(resource), Resource::Over) {
            Resource::Over => return,
            Resource::Alive => self.resource_lost(resource, outcome, out),
            Resource::Releasing | Resource::Forcing => {
                out.push(Command::Announce(Announcement::ReleaseFinished { resource, outcome }));
            }
        }
        self.resources -= 1;
        if self.stage == Stage::Releasing {
            if self.stopping.pressure < Pressure::DeadlineReached {
                self.release_next(resource.service, out);
            }
            self.stop_when_over(out);
        }
    }

    /// G11: a resource that dies while its service is needed fails that service.
    fn resource_lost(&mut self, resource: ResourceIx, outcome: Outcome, out: &mut Commands) {
        let needed = self.service(resource.service).is_needed();
        let error = self.error_stage(needed);
        out.push(Command::Announce(Announcement::ResourceLost { resource, outcome, error }));
        self.fail(resource.service, error, out);
    }

    pub(super) fn stop_when_over(&mut self, out: &mut Commands) {
        if self.stage == Stage::Releasing && self.resources == 0 && self.actors == 0 {
            self.stage = Stage::Stopped;
            out.push(Command::Announce(Announcement::Stopped));
        }
    }

    pub(super) fn reserve_reached(&mut self, out: &mut Commands) {
        if self.is_stopping() && self.stopping.pressure < Pressure::ReserveReached {
            self.stopping.pressure = Pressure::ReserveReached;
            self.force_services(out);
            self.advance(out);
        }
    }

    /// No service has time left: those that have not settled, or not gone, are forced.
    fn force_services(&mut self, out: &mut Commands) {
        if self.stopping.drain != Drain::Over {
            self.stopping.drain = Drain::Over;
            out.push(Command::SignalRequested);
        }
        for ix in self.each() {
            let service = self.service(ix);
            if service.actor == Actor::Retiring || (service.actor == Actor::Alive && !service.is_settled()) {
                self.force(ix, out);
            }
        }
    }

    fn force(&mut self, ix: ServiceIx, out: &mut Commands) {
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
        if self.stage == Stage::Releasing {
            self.last_call(out);
        } else {
            // Those forced are gone soon, or given up: no resource is released under a service.
            self.advance(out);
        }
    }

    /// Those who were asked have had their time; those who were not are asked now, whatever their order.
    fn last_call(&mut self, out: &mut Commands) {
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
            self.force_resources(out);
        }
    }

    fn force_resources(&mut self, out: &mut Commands) {
        for resource in self.each_resource() {
            if *self.resource(resource) == Resource::Releasing {
                self.force_resource(resource, out);
            }
        }
    }

    fn force_resource(&mut self, resource: ResourceIx, out: &mut Commands) {
        *self.resource(resource) = Resource::Forcing;
        out.push(Command::ForceResource(resource));
    }

    fn each_resource(&self) -> Vec<ResourceIx> {
        let of = |ix: ServiceIx| {
            let count = self.services[ix.0 as usize].resources.len() as u32;
            (0..count).map(move |index| ResourceIx { service: ix, index })
        };
        self.each().flat_map(of).collect()
    }
}
