//! Where a fault strikes: as a message is sent, or beside it.

use super::fault::{Fault, FaultKind, FaultPoint};
use crate::lifecycle::{Announcement, ResourceIx, ServiceIx, Step};
use crate::manager::engine::shell::Shell;
use crate::manager::observe::event_log::Detail;
use crate::supervision::{InjectedFault, Request, unasked};

impl Shell {
    /// The request of a step, or what it is to be in its place.
    pub(crate) fn spoiled(&mut self, ix: ServiceIx, step: Step, request: Request) -> Request {
        let Some(fault) = self.take_fault(true, |shell| shell.step(ix, step)) else { return request };
        match (fault.kind.injected_fault(&fault.point), &self.service(ix).actor) {
            (Some(injected_fault), Some(actor)) => actor.handle.routes.with_fault(injected_fault),
            _ => fault.kind.spoil(&fault.point, request),
        }
    }

    /// The same for a release.
    pub(crate) fn spoiled_release(&mut self, resource: ResourceIx, request: Request) -> Request {
        let Some(fault) = self.take_fault(true, |shell| shell.release_of(resource)) else { return request };
        match fault.kind.injected_fault(&fault.point) {
            Some(injected_fault) => (self.resource(resource).inject_fault)(injected_fault),
            None => fault.kind.spoil(&fault.point, request),
        }
    }

    /// What goes wrong beside the messages, now that this has been announced.
    pub(crate) fn strike_at(&mut self, announcement: &Announcement) {
        let Some(rehearsed) = &self.fault else { return };
        let life = rehearsed.point.clone();
        let fault = match *announcement {
            Announcement::StepStarted(ix, step) => self.take_fault(false, |shell| shell.step(ix, step)),
            Announcement::ReleaseStarted(resource) => {
                self.take_fault(false, |shell| shell.release_of(resource))
            }
            Announcement::ResourceStarted(resource) => {
                self.take_fault(false, |shell| shell.start_of(resource))
            }
            Announcement::Running if matches!(life, FaultPoint::Life { .. }) => {
                self.take_fault(false, |_| life)
            }
            _ => None,
        };
        let Some(fault) = fault else { return };
        if let Some(injected_fault) = fault.kind.injected_fault(&fault.point) {
            self.inject_fault(&fault.point, injected_fault);
        }
        if let FaultKind::StopRequest(ask, after) = fault.kind {
            for &input in ask.inputs() {
                if after.is_zero() {
                    self.inputs.push_back((input, Detail::None));
                } else {
                    self.timer(after, input);
                }
            }
        }
    }

    /// The fault, where that is its place. It strikes once.
    fn take_fault(&mut self, of_answer: bool, point: impl FnOnce(&Self) -> FaultPoint) -> Option<Fault> {
        let fault = self.fault.as_ref()?;
        if fault.is_of_answer() != of_answer || fault.point != point(self) {
            return None;
        }
        fault.struck.cancel();
        self.fault.take()
    }

    /// Makes an actor fail of something that is none of its manager's messages.
    fn inject_fault(&mut self, whom: &FaultPoint, by: InjectedFault) {
        let Some(slot) = self.services.iter().find(|slot| slot.id == *whom.service()) else { return };
        match whom.resource() {
            None => {
                if let Some(actor) = &slot.actor {
                    actor.handle.control.ask(unasked(actor.handle.routes.with_fault(by)), |_| ());
                }
            }
            Some(name) => {
                if let Some(started) = slot.resources.iter().find(|started| started.name == *name) {
                    started.control.ask(unasked((started.inject_fault)(by)), |_| ());
                }
            }
        }
    }

    fn step(&self, ix: ServiceIx, step: Step) -> FaultPoint {
        FaultPoint::Step { service: self.event_log.id(ix).clone(), step }
    }

    fn release_of(&self, resource: ResourceIx) -> FaultPoint {
        let service = self.event_log.id(resource.service).clone();
        FaultPoint::Release { service, resource: self.event_log.resource_name(resource).clone() }
    }

    fn start_of(&self, resource: ResourceIx) -> FaultPoint {
        let service = self.event_log.id(resource.service).clone();
        FaultPoint::Start { service, resource: self.event_log.resource_name(resource).clone() }
    }
}
