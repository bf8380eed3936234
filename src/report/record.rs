//! Making the report, and the manager's error, from the lifecycle events as they come.
//!
//! Both are a fold over the events, so they can't tell anything else than those do.

mod blame;
mod finding;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;

use super::manager::{ManagerError, StageError};
use super::services::ServicesErrors;
use super::shutdown_report::{ResourceReport, RestartReport, ServiceReport, ShutdownReport, StepReport};
use crate::events::{End, LifecycleEvent, Name, Phase, TimedEvent};
use crate::lifecycle::{Activity, HandoverEnd, Outcome, RestartCause, Step};

/// How many resources of a service are found by looking at each.
const FEW: usize = 8;

/// Whether an outcome is an answer of the asked.
fn is_answer(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Ok | Outcome::Error)
}

/// Makes the report, and the error, from the events as they come.
#[derive(Debug)]
pub(crate) struct ReportBuilder {
    report: ShutdownReport,
    services: HashMap<Name, usize, RandomState>,
    /// Where the service of the event that comes is likely to be.
    near: usize,
    known: Vec<Known>,
    /// How many of them have left.
    removed: usize,
    setup: ServicesErrors,
    run: ServicesErrors,
    shutdown: ServicesErrors,
}

/// What is known of a service beside its report.
#[derive(Debug, Default)]
struct Known {
    /// Its number among the manager's services, which another may have had before.
    place: usize,
    /// Whether it has left: what is told of it is dropped soon.
    removed: bool,
    depends_on: Vec<Name>,
    /// Its resources' places in its report, but for the first few: those are soon found without.
    resources: Option<Box<Places>>,
    /// The latest failure that a restart, or its own stop, has seen to.
    mended: Option<Arc<str>>,
    /// Which restart of its period the latest one was.
    restart: u32,
    /// Whether it failed before it was asked to stop: others may have failed because of that.
    failed_unasked: bool,
}

/// Where resources are in their service's report.
#[derive(Debug, Default)]
struct Places(HashMap<Name, usize, RandomState>);

impl ReportBuilder {
    /// A report on these services, each with those that it depends on.
    pub(crate) fn new(services: impl IntoIterator<Item = (Name, Vec<Name>)>) -> Self {
        let mut builder = Self {
            services: HashMap::default(),
            near: 0,
            report: ShutdownReport::default(),
            known: Vec::new(),
            removed: 0,
            setup: ServicesErrors::default(),
            run: ServicesErrors::default(),
            shutdown: ServicesErrors::default(),
        };
        let services = services.into_iter();
        let count = services.size_hint().0;
        builder.services.reserve(count);
        builder.known.reserve_exact(count);
        builder.report.services.reserve_exact(count);
        for (place, (id, depends_on)) in services.enumerate() {
            builder.add(&id, depends_on, place);
        }
        builder
    }

    /// A service more, the last of all; its number may be that of one that has left.
    pub(crate) fn add(&mut self, id: &Name, depends_on: Vec<Name>, place: usize) {
        self.services.insert(id.clone(), self.known.len());
        self.known.push(Known { depends_on, place, ..Known::default() });
        self.report.services.push(ServiceReport::new(id.clone()));
    }

    /// A service less.
    fn remove(&mut self, id: &Name) {
        let Some(at) = self.services.remove(id) else { return };
        self.known[at].removed = true;
        self.removed += 1;
        // One look at all for as many removals.
        if self.removed > self.known.len() / 2 {
            self.drop_removed();
        }
    }

    /// Drops the services that have left; the others keep their order.
    fn drop_removed(&mut self) {
        if self.removed == 0 {
            return;
        }
        let mut removed = self.known.iter().map(|known| known.removed);
        self.report.services.retain(|_| !removed.next().unwrap_or(false));
        self.known.retain(|known| !known.removed);
        self.removed = 0;
        let ids = self.report.services.iter().map(|service| service.id.clone());
        self.services = ids.zip(0..).collect();
    }

    /// The numbers of all services, in the order in which they were handed over.
    pub(crate) fn places(&self) -> Vec<usize> {
        self.known.iter().filter(|known| !known.removed).map(|known| known.place).collect()
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> Vec<Name> {
        let services = self.known.iter().zip(&self.report.services);
        services.filter(|(known, _)| !known.removed).map(|(_, service)| service.id.clone()).collect()
    }

    /// The number of a service.
    pub(crate) fn place(&self, id: &Name) -> Option<usize> {
        self.services.get(id).map(|&at| self.known[at].place)
    }

    /// What is known of one service.
    pub(crate) fn service_report(&self, id: &Name) -> Option<&ServiceReport> {
        self.services.get(id).map(|&at| &self.report.services[at])
    }

    /// What a service depends on.
    pub(crate) fn depends_on(&self, id: &Name) -> Vec<Name> {
        self.services.get(id).map(|&at| self.known[at].depends_on.clone()).unwrap_or_default()
    }

    /// The text of a service's latest failure that was none of the manager's.
    pub(crate) fn last_failure(&self, id: &Name) -> Option<String> {
        self.known[*self.services.get(id)?].mended.as_deref().map(str::to_owned)
    }

    /// Every service in the order in which they were handed over.
    pub(crate) fn report(&mut self) -> &ShutdownReport {
        self.drop_removed();
        &self.report
    }

    /// After a forced end, what came before it.
    pub(crate) fn keep_history(&mut self, history: Vec<Arc<TimedEvent>>) {
        if self.report.forced {
            self.report.history = history;
        }
    }

    /// The manager's result, once all is over.
    pub(crate) fn result(&mut self) -> Result<(), ManagerError> {
        self.drop_removed();
        let stage = |errors: &ServicesErrors| {
            let mut errors = errors.clone();
            errors.blame(|error| self.culprit_of(error));
            (!errors.is_empty()).then_some(StageError::Services(errors))
        };
        let (setup, run, shutdown) = (stage(&self.setup), stage(&self.run), stage(&self.shutdown));
        if setup.is_none() && run.is_none() && shutdown.is_none() {
            return Ok(());
        }
        Err(ManagerError::new(setup, run, shutdown, self.report.clone()))
    }

    /// Takes in an event of the service that was added in this place, if it is of a service. A place may be wrong, where services
    /// have been removed: it is found all the same.
    pub(crate) fn record_near(&mut self, timed: &TimedEvent, place: Option<usize>) {
        self.near = place.unwrap_or(self.near);
        self.record(timed);
    }

    /// Whether a shutdown has begun.
    pub(crate) fn is_asked(&self) -> bool {
        self.report.asked_at.is_some()
    }

    /// The process itself did not run for so long, since the shutdown was asked for.
    pub(crate) fn suspended(&mut self, total: Duration) {
        self.report.suspended = Some(total);
    }

    pub(crate) fn record(&mut self, timed: &TimedEvent) {
        use LifecycleEvent as E;
        let at = timed.at;
        self.take_activity(timed);
        match &timed.event {
            E::ResourceStarted { service, resource } => self.resource_started(service, resource, at),
            E::ShutdownRequested { cause } => {
                self.report.cause = Some(cause.clone());
                self.report.asked_at = Some(at);
            }
            E::HandoverFinished { outcome, .. } => {
                self.report.handed_over |= *outcome == HandoverEnd::Passed;
            }
            E::StreamsEnded { service, count } => self.service(service).streams_ended += count,
            E::CallsInFlight { in_flight } => self.report.grpc = Some(in_flight.clone()),
            E::Stopped => self.report.took = self.report.asked_at.map(|asked| at - asked),
            E::SetupRetried { service, .. } => self.service(service).setup_retries += 1,
            E::RestartStarted { service, because } => self.restarts(service, because, at),
            E::ServiceRemoved { service } => self.remove(service),
            // The report says nothing of the rest.
            _ => {}
        }
    }

    /// What an actor began, ended, or failed in.
    fn take_activity(&mut self, timed: &TimedEvent) {
        let (at, about) = (timed.at, timed.event.about());
        let (Some(service), Some(activity), Some(phase)) = (about.service, about.activity, about.phase)
        else {
            return;
        };
        match (activity, phase, about.resource) {
            (Activity::Step(Step::Setup), Phase::Started, _) => self.begin_life(service, at),
            (Activity::Step(step), Phase::Started, _) => {
                *self.service(service).step_mut(step) = Some(StepReport::asked(at));
            }
            (Activity::Step(step), Phase::Finished(end), _) => self.step_over(service, step, at, end),
            (_, Phase::Started, Some(resource)) => self.resource(service, resource).asked_at = Some(at),
            (_, Phase::Finished(end), Some(resource)) => {
                self.resource_over(service, resource, activity, at, end);
            }
            (_, Phase::Failed(_, error), resource) => {
                self.report.forced |= timed.event.is_forced();
                self.failed(service, resource, activity, error);
                self.service(service).failures.push(error.clone());
            }
            (_, Phase::Started | Phase::Finished(_), None) => {}
        }
    }

    /// A service is set up, for the first time or again: what is told of it from here on is of this life.
    fn begin_life(&mut self, id: &Name, at: Duration) {
        let index = self.index(id);
        self.known[index].resources = None;
        let service = &mut self.report.services[index];
        service.setup = Some(StepReport::asked(at));
        (service.run, service.shutdown) = (None, None);
        service.failures.clear();
        service.failures_left_out = 0;
        service.resources.clear();
    }

    fn restarts(&mut self, id: &Name, because: &RestartCause<Name>, at: Duration) {
        let index = self.index(id);
        let (service, known) = (&mut self.report.services[index], &mut self.known[index]);
        let failure = match because {
            RestartCause::Failed { restart } => {
                known.restart = *restart;
                known.mended.clone()
            }
            _ => None,
        };
        service.restarts += 1;
        if service.latest_restarts.len() == RestartReport::KEPT {
            service.latest_restarts.remove(0);
        }
        service.latest_restarts.push(RestartReport { at, because: because.clone(), failure });
    }

    fn resource_started(&mut self, service: &Name, name: &Name, at: Duration) {
        let service = self.index(service);
        let resources = &mut self.report.services[service].resources;
        match resources.len() {
            // Most services have one, or none.
            0 => resources.reserve_exact(1),
            FEW.. => {
                self.known[service].resources.get_or_insert_default().0.insert(name.clone(), resources.len());
            }
            _ => {}
        }
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

    fn step_over(&mut self, service: &Name, step: Step, at: Duration, end: &End) {
        self.report.forced |= end.is_forced();
        if let Some(report) = self.service(service).step_mut(step) {
            report.answered_at = is_answer(end.outcome).then_some(at);
            report.took = Some(end.took);
            report.outcome = Some(end.outcome);
            report.cancelled = end.cancelled;
            report.why.clone_from(&end.error);
        }
        let Some(error) = end.error.as_ref().filter(|_| !end.cancelled) else { return };
        match self.service(service).told_by_other() {
            Some(Step::Shutdown) if step == Step::Shutdown => return,
            Some(Step::Run) => self.shutdown.take_back(service, Step::Run),
            _ => {}
        }
        self.failed(service, None, Activity::Step(step), error);
    }

    fn resource_over(&mut self, service: &Name, name: &Name, activity: Activity, at: Duration, end: &End) {
        self.report.forced |= end.is_forced();
        if let Some(error) = &end.error {
            self.failed(service, Some(name), activity, error);
        }
        let resource = self.resource(service, name);
        resource.answered_at = is_answer(end.outcome).then_some(at);
        resource.took = resource.asked_at.map(|asked| at - asked);
        resource.ending = Some(end.outcome.into());
        resource.why.clone_from(&end.error);
    }
}
