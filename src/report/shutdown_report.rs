//! The shutdown report: who was asked, who answered, and how everything ended.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::forced::{ForcedError, Hold};
use crate::base::{as_ms, as_opt_ms, as_text};
use crate::events::{Failure, InFlight, Name, TimedEvent};
use crate::lifecycle::{Cause, Outcome, RestartCause, Step};

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
    /// For how long the process itself did not run in the meantime, as far as that was noticed: it was stopped by a signal, or
    /// its machine was. Nobody is blamed for that time.
    #[serde(rename = "suspended_ms", serialize_with = "as_opt_ms", skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Duration>,
    /// Whether anything had to be forced.
    pub forced: bool,
    /// Whether a successor had taken over: another process serves on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub handed_over: bool,
    /// What the gRPC server carried when it was asked to drain; `None` where no call was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc: Option<InFlight>,
    /// Every service, in the order in which they were handed over.
    pub services: Vec<ServiceReport>,
    /// After a forced end, the latest events before it, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Arc<TimedEvent>>,
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
    /// How often its set-up was tried again.
    #[serde(skip_serializing_if = "is_zero")]
    pub setup_retries: u64,
    /// How often it was started again.
    #[serde(skip_serializing_if = "is_zero")]
    pub restarts: u64,
    /// The latest of its restarts, oldest first: at most [`RestartReport::KEPT`]. All else here is of its latest life.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub latest_restarts: Vec<RestartReport>,
    /// What went wrong outside of these. Of the panics of one life, at most [`Self::PANICS_KEPT`] are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// How many panics more there were.
    #[serde(skip_serializing_if = "is_zero")]
    pub failures_left_out: u64,
    /// Where it is a server: how many answers that might have gone on for ever were ended in order in its drain, which is no
    /// failure.
    #[serde(skip_serializing_if = "is_zero")]
    pub streams_ended: u64,
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
    /// Whether it was part of a set-up that was told to stop, and did: then `why` is no failure.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

/// Why, and when, a service was started again.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RestartReport {
    /// When it began to go down.
    #[serde(rename = "at_ms", serialize_with = "as_ms")]
    pub at: Duration,
    /// Why.
    #[serde(serialize_with = "as_text")]
    pub because: RestartCause<Name>,
    /// Its failure, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Arc<str>>,
}

impl RestartReport {
    /// How many are kept of each service.
    pub const KEPT: usize = 10;
}

impl fmt::Display for RestartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: ", crate::base::seconds(self.at))?;
        match &self.failure {
            Some(failure) => f.write_str(failure),
            None => self.because.fmt(f),
        }
    }
}

/// So many panics, in words.
pub(super) fn panics(count: u64) -> String {
    format!("{count} panic{}", if count == 1 { "" } else { "s" })
}

fn is_zero(count: &u64) -> bool {
    *count == 0
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
    pub(super) fn asked(at: Duration) -> Self {
        Self { asked_at: at, answered_at: None, took: None, outcome: None, why: None, cancelled: false }
    }
}

impl ServiceReport {
    /// How the message of this step went, if it was sent.
    pub fn step(&self, step: Step) -> Option<&StepReport> {
        match step {
            Step::Register => self.register.as_ref(),
            Step::Setup => self.setup.as_ref(),
            Step::Run => self.run.as_ref(),
            Step::Shutdown => self.shutdown.as_ref(),
        }
    }

    pub(super) fn step_mut(&mut self, step: Step) -> &mut Option<StepReport> {
        match step {
            Step::Register => &mut self.register,
            Step::Setup => &mut self.setup,
            Step::Run => &mut self.run,
            Step::Shutdown => &mut self.shutdown,
        }
    }

    /// Every step that was sent, in the order of a life.
    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = (Step, &StepReport)> {
        Step::ALL.into_iter().filter_map(|step| Some((step, self.step(step)?)))
    }

    /// How many panics of one life of a service, and of its resources, are told: the first. Others are counted.
    pub const PANICS_KEPT: usize = 8;

    /// Of a service that was cut off in both its main loop and its shutdown, the one that is not told by itself: one culprit
    /// counts once. It is the shutdown, unless the service has blocked its thread only since that began.
    pub(super) fn told_by_other(&self) -> Option<Step> {
        let forced = |step: &Option<StepReport>| Some(step.as_ref()?.outcome? == Outcome::Forced);
        if !(forced(&self.run)? && forced(&self.shutdown)?) {
            return None;
        }
        let shutdown = self.shutdown.as_ref()?;
        let error = shutdown.why.as_ref().and_then(|why| why.source().downcast_ref::<ForcedError>());
        let took = shutdown.took?;
        match error.map(|error| &error.hold) {
            Some(Hold::Blocking { lasted }) if *lasted <= took => Some(Step::Run),
            _ => Some(Step::Shutdown),
        }
    }

    pub(super) fn new(id: Name) -> Self {
        Self {
            id,
            register: None,
            setup: None,
            run: None,
            shutdown: None,
            setup_retries: 0,
            restarts: 0,
            latest_restarts: Vec::new(),
            failures: Vec::new(),
            failures_left_out: 0,
            streams_ended: 0,
            resources: Vec::new(),
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
            write!(f, ", over after {}", crate::base::seconds(took))?;
        }
        if let Some(suspended) = self.suspended {
            write!(f, "\n  the process itself did not run for {}", crate::base::seconds(suspended))?;
        }
        if let Some(grpc) = &self.grpc {
            write!(f, "\n  gRPC, when asked to drain: {grpc}")?;
        }
        for service in &self.services {
            let other = service.told_by_other();
            let run = service.run.as_ref().filter(|_| other != Some(Step::Run));
            let shutdown = service.shutdown.as_ref().filter(|_| other != Some(Step::Shutdown));
            let steps = [service.register.as_ref(), service.setup.as_ref(), run, shutdown];
            for step in steps.into_iter().flatten() {
                match (&step.why, step.cancelled) {
                    (Some(why), true) => write!(f, "\n  {}: cancelled: {why}", service.id)?,
                    (None, true) => write!(f, "\n  {}: cancelled: told to stop in its set-up", service.id)?,
                    (Some(why), false) => write!(f, "\n  {}: {why}", service.id)?,
                    (None, false) => {}
                }
            }
            if service.setup_retries > 0 {
                let tried = crate::base::times(service.setup_retries);
                write!(f, "\n  {}: its set-up was tried again {tried}", service.id)?;
            }
            if service.restarts > 0 {
                write!(f, "\n  {}: restarted {}", service.id, crate::base::times(service.restarts))?;
            }
            for failure in &service.failures {
                write!(f, "\n  {}: {failure}", service.id)?;
            }
            if service.failures_left_out > 0 {
                write!(f, "\n  {}: and {} more", service.id, panics(service.failures_left_out))?;
            }
            for resource in &service.resources {
                if let Some(why) = &resource.why {
                    write!(f, "\n  {}, resource {}: {why}", service.id, resource.name)?;
                }
            }
        }
        crate::events::write_latest(f, &self.history)
    }
}
