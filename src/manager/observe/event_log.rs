//! Keeping account: announcements of the rules become events with time, duration and error.

mod announcements;
mod holds;
mod lease_record;
mod leases;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use lease_record::LeaseRecord;

use super::flight_recorder::FlightRecorder;
use super::observers::Observers;
use crate::base::clock;
use crate::events::{End, EventSender, Failure, InFlight, LifecycleEvent, Name, TimedEvent};
use crate::lifecycle::{Activity, Announcement, Fault, Outcome, ResourceIx, ServiceIx, Step};
use crate::report::{
    ForcedError, Hold, NoAnswerError, PanicError, ReportBuilder, ReturnedError, ServiceReport, StuckError,
};

/// What is known of how something ended, beside its outcome.
#[derive(Debug, Clone, Default)]
pub(crate) enum Detail {
    #[default]
    None,
    Error(Arc<dyn Error + Send + Sync>, Arc<str>),
    Panic(Box<PanicError>),
    Held(Hold),
    Stuck(StuckError),
}

impl Detail {
    /// The text of the error, or of the panic.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Error(_, text) => Some(text.to_string()),
            Self::Panic(panic) => Some(panic.to_string()),
            Self::None | Self::Held(_) | Self::Stuck(_) => None,
        }
    }
}

/// Whom something concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    Service(ServiceIx, Step),
    Resource(ResourceIx),
}

impl Subject {
    pub(crate) fn activity(self) -> Activity {
        match self {
            Self::Service(_, step) => Activity::Step(step),
            Self::Resource(_) => Activity::Release,
        }
    }
}

/// The account of a manager's life.
pub(crate) struct EventLog {
    began: Instant,
    /// How many inputs the rules have taken in.
    inputs: u64,
    /// When it was noticed that the process itself did not run, and for how long in all.
    absence: Option<(Duration, Duration)>,
    services: Vec<ServiceRecord>,
    report: ReportBuilder,
    observers: Observers,
    recorder: FlightRecorder,
    /// When the latest reload began.
    reload_began: Duration,
    /// When the latest hand-over began.
    handover_began: Duration,
    /// Whether the last event has been told.
    is_over: bool,
}

/// What is remembered of a service.
struct ServiceRecord {
    id: Name,
    resources: SmallVec<[ResourceRecord; 1]>,
    /// When its signal told it to stop, and by which input of the rules.
    asked_to_stop: Option<(Duration, u64)>,
    /// How often it, or a resource of its, has panicked outside of any step.
    panics: u8,
    agreed_to_stop: bool,
    panicked: bool,
    /// How long its next set-up waits, where it is tried again.
    setup_delay: Duration,
    /// When its latest restart or stop began.
    transition_began: Duration,
    /// Where it needs one: few do.
    lease: Option<Box<LeaseRecord>>,
    /// Of the gRPC server: what it carried when it was forced.
    in_flight: Option<Arc<InFlight>>,
}

struct ResourceRecord {
    name: Name,
    started: Duration,
}

impl ServiceRecord {
    fn new(id: &Name) -> Self {
        Self {
            id: id.clone(),
            resources: SmallVec::new(),
            asked_to_stop: None,
            panics: 0,
            agreed_to_stop: false,
            panicked: false,
            setup_delay: Duration::ZERO,
            transition_began: Duration::ZERO,
            lease: None,
            in_flight: None,
        }
    }
}

impl EventLog {
    /// An account of these services, each with those that it depends on.
    pub(crate) fn new(
        services: Vec<(Name, Vec<Name>)>,
        observers: Vec<EventSender>,
        recorder: FlightRecorder,
    ) -> Self {
        Self {
            began: clock::now(),
            inputs: 0,
            absence: None,
            services: services.iter().map(|(id, _)| ServiceRecord::new(id)).collect(),
            report: ReportBuilder::new(services),
            observers: Observers::new(observers),
            recorder,
            reload_began: Duration::ZERO,
            handover_began: Duration::ZERO,
            is_over: false,
        }
    }

    /// A service was handed to the running manager, in this place.
    pub(crate) fn add(&mut self, ix: ServiceIx, id: &Name, depends_on: Vec<Name>) {
        let known = ServiceRecord::new(id);
        match self.services.get_mut(ix.0 as usize) {
            Some(vacant) => *vacant = known,
            None => self.services.push(known),
        }
        self.report.add(id, depends_on, ix.0 as usize);
    }

    /// A service starts again.
    pub(crate) fn begin_life(&mut self, ix: ServiceIx) {
        let known = self.record_mut(ix);
        let (transition_began, lease) = (known.transition_began, known.lease.clone());
        *known = ServiceRecord { transition_began, lease, ..ServiceRecord::new(&known.id) };
    }

    /// How long the next set-up of a service waits, before it is told that there is one.
    pub(crate) fn note_setup_delay(&mut self, ix: ServiceIx, delay: Duration) {
        self.record_mut(ix).setup_delay = delay;
    }

    /// The text of a service's latest failure.
    pub(crate) fn last_failure(&self, ix: ServiceIx) -> Option<String> {
        self.report.last_failure(self.id(ix))
    }

    pub(crate) fn report(&self) -> &ReportBuilder {
        &self.report
    }

    pub(crate) fn report_mut(&mut self) -> &mut ReportBuilder {
        &mut self.report
    }

    /// Since the manager started.
    pub(crate) fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    pub(crate) fn id(&self, ix: ServiceIx) -> &Name {
        &self.record(ix).id
    }

    pub(crate) fn resource_name(&self, resource: ResourceIx) -> &Name {
        &self.record(resource.service).resources[resource.index as usize].name
    }

    /// What has started and not finished, oldest first; what is of the same age in the order of services and steps.
    pub(crate) fn open(&self) -> Vec<(Subject, Duration)> {
        let now = self.now();
        let places = self.report.places().into_iter().map(|at| ServiceIx(at as u32));
        let services = places.clone().flat_map(|ix| Step::ALL.map(|step| Subject::Service(ix, step)));
        let resources = places.flat_map(|ix| {
            let resources = 0..self.record(ix).resources.len() as u32;
            resources.map(move |index| Subject::Resource(ResourceIx { service: ix, index }))
        });
        let all = services.chain(resources);
        let mut open: Vec<_> =
            all.filter_map(|subject| self.open_since(subject).map(|since| (subject, now - since))).collect();
        open.sort_by_key(|&(_, lasted)| std::cmp::Reverse(lasted));
        open
    }

    fn open_since(&self, subject: Subject) -> Option<Duration> {
        match subject {
            Subject::Service(ix, step) => self.report.open_since(self.id(ix), ix.0 as usize, step),
            Subject::Resource(resource) => {
                let (ix, name) = (resource.service, self.resource_name(resource));
                self.report.release_since(self.id(ix), ix.0 as usize, name)
            }
        }
    }

    /// The observers of all events.
    pub(crate) fn observers(&mut self) -> &mut Observers {
        &mut self.observers
    }

    /// The latest events.
    pub(crate) fn recorder(&self) -> &FlightRecorder {
        &self.recorder
    }

    /// After a forced end, the report tells what came before it.
    pub(crate) fn keep_history(&mut self) {
        self.report.keep_history(self.recorder.events());
    }

    /// A resource of this name was started; its announcement follows.
    pub(crate) fn name_resource(&mut self, service: ServiceIx, name: Name) {
        let started = self.now();
        self.record_mut(service).resources.push(ResourceRecord { name, started });
    }

    /// The gRPC server is forced while it carries that.
    pub(crate) fn note_in_flight(&mut self, server: ServiceIx, in_flight: InFlight) {
        self.record_mut(server).in_flight = Some(Arc::new(in_flight));
    }

    /// Tells everybody of what the rules announce.
    pub(crate) fn announce(&mut self, announcement: Announcement, detail: &Detail) {
        if let Announcement::Panicked { service, error, .. } = announcement {
            let known = self.record_mut(service);
            known.panics = known.panics.saturating_add(1);
            if usize::from(known.panics) > ServiceReport::PANICS_KEPT {
                let id = known.id.clone();
                self.report.leave_out(&id, error);
                return;
            }
        }
        let at = self.now();
        let whose = announcement.service();
        let event = self.event(announcement, detail, at);
        self.emit_at(at, event, whose);
    }

    /// Tells everybody of something.
    pub(crate) fn emit(&mut self, event: LifecycleEvent) {
        self.emit_at(self.now(), event, None);
    }

    fn emit_at(&mut self, at: Duration, event: LifecycleEvent, whose: Option<ServiceIx>) {
        // Whatever is told late, by whom ever: nothing comes after the end.
        if self.is_over {
            return;
        }
        self.is_over = matches!(event, LifecycleEvent::Stopped);
        let event = TimedEvent { at, event };
        self.report.record_near(&event, whose.map(|ix| ix.0 as usize));
        let event = self.recorder.record(event);
        self.observers.tell(event);
    }

    fn end(
        &mut self,
        subject: Subject,
        outcome: Outcome,
        error: Option<Fault>,
        detail: &Detail,
        at: Duration,
    ) -> End {
        let began = self.open_since(subject).unwrap_or(at);
        let took = at - began;
        let activity = subject.activity();
        let error = error.map(|fault| match (outcome, detail) {
            (Outcome::Forced, Detail::Held(hold)) => self.forced(subject, fault, hold.clone(), took),
            (Outcome::Forced, _) => self.forced(subject, fault, self.hold(subject, began, at), took),
            _ => failure(activity, outcome, fault, detail, took),
        });
        End { took, outcome, error, cancelled: false }
    }

    fn record(&self, ix: ServiceIx) -> &ServiceRecord {
        &self.services[ix.0 as usize]
    }

    fn record_mut(&mut self, ix: ServiceIx) -> &mut ServiceRecord {
        &mut self.services[ix.0 as usize]
    }
}

fn failure(activity: Activity, outcome: Outcome, fault: Fault, detail: &Detail, lasted: Duration) -> Failure {
    match (outcome, detail) {
        (Outcome::Error | Outcome::Panic, Detail::Error(source, text)) => {
            Failure::new(fault, Arc::clone(text), Arc::clone(source))
        }
        (Outcome::Panic, Detail::Panic(panic)) => Failure::of(fault, PanicError::clone(panic)),
        (Outcome::Ended, Detail::Stuck(stuck)) => Failure::of(fault, stuck.clone()),
        (Outcome::Ok, _) => Failure::of(fault, ReturnedError),
        (Outcome::Forced, detail) => {
            let hold = if let Detail::Held(hold) = detail { hold.clone() } else { Hold::Unresponsive };
            Failure::of(fault, ForcedError::new(activity, lasted, hold, None))
        }
        _ => Failure::of(fault, NoAnswerError::new(activity)),
    }
}
