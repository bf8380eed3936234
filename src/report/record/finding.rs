//! Finding services and resources in a report, and what of theirs is open.

use std::sync::Arc;
use std::time::Duration;

use super::{FEW, ReportBuilder};
use crate::events::Name;
use crate::lifecycle::Step;
use crate::report::shutdown_report::{ResourceReport, ServiceReport};

impl ReportBuilder {
    /// Since when a service's step has been open, if it is.
    pub(crate) fn open_since(&self, service: &Name, place: usize, step: Step) -> Option<Duration> {
        let report = &self.report.services[self.find_same(service, place)?];
        report.step(step).filter(|step| step.took.is_none()).map(|step| step.asked_at)
    }

    /// Since when the release of a resource has been open, if it is.
    pub(crate) fn release_since(&self, service: &Name, place: usize, resource: &Name) -> Option<Duration> {
        let at = self.find_same(service, place)?;
        let resource = &self.report.services[at].resources[self.find_resource(at, resource)?];
        resource.asked_at.filter(|_| resource.ending.is_none())
    }

    fn find(&self, id: &Name, near: usize) -> Option<usize> {
        match self.report.services.get(near) {
            Some(service) if Arc::ptr_eq(&service.id, id) => Some(near),
            _ => self.services.get(id).copied(),
        }
    }

    /// The same, but for another that has been given the name of one that was removed.
    fn find_same(&self, id: &Name, near: usize) -> Option<usize> {
        self.find(id, near).filter(|&at| Arc::ptr_eq(&self.report.services[at].id, id))
    }

    pub(super) fn index(&self, id: &Name) -> usize {
        self.find(id, self.near).expect("what is told of was added")
    }

    pub(super) fn service(&mut self, id: &Name) -> &mut ServiceReport {
        let at = self.index(id);
        &mut self.report.services[at]
    }

    fn find_resource(&self, service: usize, name: &Name) -> Option<usize> {
        let resources = &self.report.services[service].resources;
        let among_few = || resources.iter().take(FEW).position(|resource| resource.name == *name);
        let known = self.known[service].resources.as_ref();
        known.and_then(|known| known.0.get(name).copied()).or_else(among_few)
    }

    pub(super) fn resource(&mut self, service: &Name, name: &Name) -> &mut ResourceReport {
        let service = self.index(service);
        let at = self.find_resource(service, name).expect("what is told of was started");
        &mut self.report.services[service].resources[at]
    }
}
