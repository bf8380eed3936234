//! Where a fault strikes: as a message is sent, or beside it.

use super::fault::{Fault, Flaw, Place};
use crate::lifecycle::{Announcement, ResourceIx, ServiceIx, Step};
use crate::manager::engine::shell::Shell;
use crate::manager::observe::event_log::Detail;
use crate::supervision::{Disturbance, Request, unasked};

impl Shell {
    /// The request of a step, or what it is to be in its place.
    pub(crate) fn spoiled(&mut self, ix: ServiceIx, step: Step, request: Request) -> Request {
        let Some(fault) = self.take_fault(true, |shell| shell.step(ix, step)) else { return request };
        match (fault.flaw.disturbance(&fault.place), &self.service(ix).lives) {
            (Some(disturbance), Some(lives)) => lives.links.to.disturbed(disturbance),
            _ => fault.flaw.spoil(&fault.place, request),
        }
    }

    /// The same for a release.
    pub(crate) fn spoiled_release(&mut self, resource: ResourceIx, request: Request) -> Request {
        let Some(fault) = self.take_fault(true, |shell| shell.release_of(resource)) else { return request };
        match fault.flaw.disturbance(&fault.place) {
            Some(disturbance) => (self.resource(resource).disturb)(disturbance),
            None => fault.flaw.spoil(&fault.place, request),
        }
    }

    /// What goes wrong beside the messages, now that this has been announced.
    pub(crate) fn strike_at(&mut self, announcement: &Announcement) {
        let Some(rehearsed) = &self.fault else { return };
        let life = rehearsed.place.clone();
        let fault = match *announcement {
            Announcement::StepStarted(ix, step) => self.take_fault(false, |shell| shell.step(ix, step)),
            Announcement::ReleaseStarted(resource) => {
                self.take_fault(false, |shell| shell.release_of(resource))
            }
            Announcement::ResourceStarted(resource) => {
                self.take_fault(false, |shell| shell.start_of(resource))
            }
            Announcement::Running if matches!(life, Place::Life { .. }) => self.take_fault(false, |_| life),
            _ => None,
        };
        let Some(fault) = fault else { return };
        if let Some(disturbance) = fault.flaw.disturbance(&fault.place) {
            self.disturb(&fault.place, disturbance);
        }
        if let Flaw::Ask(ask, after) = fault.flaw {
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
    fn take_fault(&mut self, of_answer: bool, place: impl FnOnce(&Self) -> Place) -> Option<Fault> {
        let fault = self.fault.as_ref()?;
        if fault.is_of_answer() != of_answer || fault.place != place(self) {
            return None;
        }
        fault.struck.cancel();
        self.fault.take()
    }

    /// Makes an actor fail of something that is none of its manager's messages.
    fn disturb(&mut self, whom: &Place, by: Disturbance) {
        let Some(seat) = self.services.iter().find(|seat| seat.id == *whom.service()) else { return };
        match whom.resource() {
            None => {
                if let Some(lives) = &seat.lives {
                    lives.links.control.ask(unasked(lives.links.to.disturbed(by)), |_| ());
                }
            }
            Some(name) => {
                if let Some(started) = seat.resources.iter().find(|started| started.name == *name) {
                    started.control.ask(unasked((started.disturb)(by)), |_| ());
                }
            }
        }
    }

    fn step(&self, ix: ServiceIx, step: Step) -> Place {
        Place::Step { service: self.account.id(ix).clone(), step }
    }

    fn release_of(&self, resource: ResourceIx) -> Place {
        let service = self.account.id(resource.service).clone();
        Place::Release { service, resource: self.account.resource_name(resource).clone() }
    }

    fn start_of(&self, resource: ResourceIx) -> Place {
        let service = self.account.id(resource.service).clone();
        Place::Start { service, resource: self.account.resource_name(resource).clone() }
    }
}
