//! Making the report, and the manager's error, from the lifecycle events as they come.
//!
//! Both are a fold over the events, so they can't tell anything else than those do.

use std::collections::HashMap;
use std::time::Duration;

use super::manager::{ManagerError, StageError};
use super::report::{ResourceReport, ServiceReport, ShutdownReport, StepReport};
use super::services::{ServiceError, ServicesErrors};
use crate::events::{End, Failure, LifecycleEvent, Name, TimedEvent};
use crate::lifecycle::{ErrorStage, Outcome};

/// Whether an outcome is an answer of the asked.
fn is_answer(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Ok | Outcome::Error)
}

/// Makes the report, and the error, from the events as they come.
#[derive(Debug)]
pub(crate) struct ReportBuilder {
    report: ShutdownReport,
    services: HashMap<Name, usize>,
    resources: HashMap<(usize, Name), usize>,
    setup: ServicesErrors,
    run: ServicesErrors,
    shutdown: ServicesErrors,
}

impl ReportBuilder {
    pub(crate) fn new(ids: impl IntoIterator<Item = Name>) -> Self {
        let services: Vec<_> = ids.into_iter().map(ServiceReport::new).collect();
        Self {
            services: services.iter().enumerate().map(|(at, s)| (s.id.clone(), at)).collect(),
            report: ShutdownReport { services, ..ShutdownReport::default() },
            resources: HashMap::new(),
            setup: ServicesErrors::default(),
            run: ServicesErrors::default(),
            shutdown: ServicesErrors::default(),
        }
    }

    pub(crate) fn report(&self) -> &ShutdownReport {
        &self.report
    }

    /// The manager's result, once all is over.
    pub(crate) fn result(&self) -> Result<(), ManagerError> {
        let stage =
            |errors: &ServicesErrors| (!errors.is_empty()).then(|| StageError::Services(errors.clone()));
        let (setup, run, shutdown) = (stage(&self.setup), stage(&self.run), stage(&self.shutdown));
        if setup.is_none() && run.is_none() && shutdown.is_none() {
            return Ok(());
        }
        Err(ManagerError::new(setup, run, shutdown, self.report.clone()))
    }

    pub(crate) fn record(&mut self, timed: &TimedEvent) {
        use LifecycleEvent as E;
        let at = timed.at;
        match &timed.event {
            E::RegisterStarted { service } => self.service(service).register = Some(StepReport::asked(at)),
            E::SetupStarted { service } => self.service(service).setup = Some(StepReport::asked(at)),
            E::RunStarted { service } => self.service(service).run = Some(StepReport::asked(at)),
            E::ShutdownStarted { service } => self.service(service).shutdown = Some(StepReport::asked(at)),
            E::RegisterFinished { service, end } => {
                self.step_over(service, "register", at, end, |s| &mut s.register);
            }
            E::SetupFinished { service, end } => self.step_over(service, "setup", at, end, |s| &mut s.setup),
            E::RunFinished { service, end } => self.step_over(service, "run", at, end, |s| &mut s.run),
            E::ShutdownFinished { service, end } => {
                self.step_over(service, "shutdown", at, end, |s| &mut s.shutdown);
            }
            E::ResourceStarted { service, resource } => self.resource_started(service, resource, at),
            E::ReleaseStarted { service, resource } => {
                self.resource(service, resource).asked_at = Some(at);
            }
            E::ResourceLost { service, resource, end } => {
                self.resource_over(service, resource, "handler", at, end);
            }
            E::ReleaseFinished { service, resource, end } => {
                self.resource_over(service, resource, "release", at, end);
            }
            E::Panicked { service, resource, error } => {
                self.failed(service, resource.as_ref(), "handler", error);
                self.service(service).failures.push(error.clone());
            }
            E::ServiceLost { service, error, .. } | E::ServiceStuck { service, error } => {
                self.report.forced |= matches!(timed.event, E::ServiceStuck { .. });
                self.failed(service, None, "handler", error);
                self.service(service).failures.push(error.clone());
            }
            E::ShutdownRequested { cause } => {
                self.report.cause = Some(cause.clone());
                self.report.asked_at = Some(at);
            }
            E::CallsInFlight { in_flight } => self.report.grpc = Some(in_flight.clone()),
            E::Stopped => self.report.took = self.report.asked_at.map(|asked| at - asked),
            E::RestartStarted { .. } | E::RestartDelayed { .. } | E::RestartFinished { .. } => {}
            E::StopStarted { .. } | E::StopFinished { .. } => {}
            E::ServiceAdded { .. } | E::ServiceRemoved { .. } => {}
            E::Running | E::Serving { .. } | E::Draining | E::Drained | E::Releasing | E::Progress { .. } => {
            }
        }
    }

    fn index(&self, id: &Name) -> usize {
        self.services[id]
    }

    fn service(&mut self, id: &Name) -> &mut ServiceReport {
        let at = self.index(id);
        &mut self.report.services[at]
    }

    fn resource(&mut self, service: &Name, name: &Name) -> &mut ResourceReport {
        let service = self.index(service);
        let at = self.resources[&(service, name.clone())];
        &mut self.report.services[service].resources[at]
    }

    fn resource_started(&mut self, service: &Name, name: &Name, at: Duration) {
        let service = self.index(service);
        let resources = &mut self.report.services[service].resources;
        self.resources.insert((service, name.clone()), resources.len());
        resources.push(ResourceReport {
            name: name.clone(),
            started_at: at,
            asked_at: None,
            answered_at: None,
            took: None,
            ending: None,
            why: None,
        });
    }

    fn step_over(
        &mut self,
        service: &Name,
        doing: &'static str,
        at: Duration,
        end: &End,
        slot: impl FnOnce(&mut ServiceReport) -> &mut Option<StepReport>,
    ) {
        self.report.forced |= end.outcome == Outcome::Forced;
        if let Some(error) = &end.error {
            self.failed(service, None, doing, error);
        }
        if let Some(step) = slot(self.service(service)) {
            step.answered_at = is_answer(end.outcome).then_some(at);
            step.took = Some(end.took);
            step.outcome = Some(end.outcome);
            step.why.clone_from(&end.error);
        }
    }

    fn resource_over(&mut self, service: &Name, name: &Name, doing: &'static str, at: Duration, end: &End) {
        self.report.forced |= end.outcome == Outcome::Forced;
        if let Some(error) = &end.error {
            self.failed(service, Some(name), doing, error);
        }
        let resource = self.resource(service, name);
        resource.answered_at = is_answer(end.outcome).then_some(at);
        resource.took = resource.asked_at.map(|asked| at - asked);
        resource.ending = Some(end.outcome.into());
        resource.why.clone_from(&end.error);
    }

    fn failed(&mut self, service: &Name, resource: Option<&Name>, doing: &'static str, failure: &Failure) {
        let error = ServiceError::new(service, doing, resource, failure);
        match failure.stage() {
            ErrorStage::Setup => self.setup.push(error),
            ErrorStage::Run => self.run.push(error),
            ErrorStage::Shutdown => self.shutdown.push(error),
        }
    }
}
