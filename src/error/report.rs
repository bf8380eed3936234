//! The shutdown report: who was asked, who answered, and how everything ended.
//!
//! It is a fold over the lifecycle events, so it can't tell anything else than they do.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::manager::{ManagerError, StageError};
use super::services::{ServiceError, ServicesErrors};
use crate::events::{End, Failure, LifecycleEvent, Name, TimedEvent, as_ms, as_opt_ms};
use crate::lifecycle::{Cause, ErrorStage, Outcome};

/// How a manager came to its end. Times are milliseconds since its start.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// What asked for the shutdown; `None` when nothing had been started.
    #[serde(serialize_with = "cause_as_text")]
    pub cause: Option<Cause<Name>>,
    /// When.
    #[serde(rename = "asked_at_ms", serialize_with = "as_opt_ms")]
    pub asked_at: Option<Duration>,
    /// From then to the end.
    #[serde(rename = "took_ms", serialize_with = "as_opt_ms")]
    pub took: Option<Duration>,
    /// Whether anything had to be forced.
    pub forced: bool,
    /// Every service, in the order in which they were handed over.
    pub services: Vec<ServiceReport>,
}

/// How a service came to its end.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ServiceReport {
    /// Its id.
    pub id: Name,
    /// `RegisterOnServer`, if it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<StepReport>,
    /// `Setup`, if it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<StepReport>,
    /// `Run`, if it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<StepReport>,
    /// `Shutdown`, if it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<StepReport>,
    /// What went wrong outside of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// Its resources, in the order in which they were started.
    pub resources: Vec<ResourceReport>,
}

/// How one message to a service went.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// When it was sent.
    #[serde(rename = "asked_at_ms", serialize_with = "as_ms")]
    pub asked_at: Duration,
    /// When it was answered; `None` where no answer came.
    #[serde(rename = "answered_at_ms", serialize_with = "as_opt_ms")]
    pub answered_at: Option<Duration>,
    /// From the message to its end, with or without an answer.
    #[serde(rename = "took_ms", serialize_with = "as_opt_ms")]
    pub took: Option<Duration>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why, where it went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Failure>,
}

/// How a resource came to its end.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ResourceReport {
    /// Its name within its service.
    pub name: Name,
    /// When it was started.
    #[serde(rename = "started_at_ms", serialize_with = "as_ms")]
    pub started_at: Duration,
    /// When it was sent `Release`; `None` when it ended before.
    #[serde(rename = "asked_at_ms", serialize_with = "as_opt_ms")]
    pub asked_at: Option<Duration>,
    /// When it acknowledged.
    #[serde(rename = "answered_at_ms", serialize_with = "as_opt_ms")]
    pub answered_at: Option<Duration>,
    /// From `Release` to its end.
    #[serde(rename = "took_ms", serialize_with = "as_opt_ms")]
    pub took: Option<Duration>,
    /// How it ended.
    pub ending: Option<ResourceEnding>,
    /// Why, where it went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Failure>,
}

/// How a resource ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResourceEnding {
    /// It answered `Release` with `Ok`.
    Acknowledged,
    /// It answered `Release` with an error.
    AcknowledgedWithError,
    /// Its actor ended without an answer.
    Ended,
    /// It panicked.
    Panicked,
    /// Its time was up.
    Forced,
}

impl From<Outcome> for ResourceEnding {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok => Self::Acknowledged,
            Outcome::Error => Self::AcknowledgedWithError,
            Outcome::Ended => Self::Ended,
            Outcome::Panic => Self::Panicked,
            Outcome::Forced => Self::Forced,
        }
    }
}

impl StepReport {
    fn asked(at: Duration) -> Self {
        Self { asked_at: at, answered_at: None, took: None, outcome: None, why: None }
    }
}

impl ServiceReport {
    fn new(id: Name) -> Self {
        Self {
            id,
            register: None,
            setup: None,
            run: None,
            shutdown: None,
            failures: Vec::new(),
            resources: Vec::new(),
        }
    }
}

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
            E::Stopped => self.report.took = self.report.asked_at.map(|asked| at - asked),
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

fn cause_as_text<S: serde::Serializer>(
    cause: &Option<Cause<Name>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match cause {
        Some(cause) => serializer.collect_str(cause),
        None => serializer.serialize_none(),
    }
}

impl fmt::Display for ShutdownReport {
    /// One line a service and resource that did not end well; one line in all when every one did.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(f, "shutdown asked by {cause}")?,
            None => return f.write_str("nothing was started"),
        }
        if let Some(took) = self.took {
            write!(f, ", over after {}", super::forced::seconds(took))?;
        }
        for service in &self.services {
            let steps = [&service.register, &service.setup, &service.run, &service.shutdown];
            for step in steps.into_iter().flatten() {
                if let Some(why) = &step.why {
                    write!(f, "\n  {}: {why}", service.id)?;
                }
            }
            for failure in &service.failures {
                write!(f, "\n  {}: {failure}", service.id)?;
            }
            for resource in &service.resources {
                if let Some(why) = &resource.why {
                    write!(f, "\n  {}, resource {}: {why}", service.id, resource.name)?;
                }
            }
        }
        Ok(())
    }
}
