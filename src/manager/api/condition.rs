//! What a service or a resource has come to, as a word: for programs, which should not read the text for people.

use serde::Serialize;

use crate::lifecycle::{Outcome, Step};
use crate::report::{ResourceEnding, ResourceReport, ServiceReport, StepReport};

/// What a service has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceCondition {
    /// It has not been asked to set itself up: it waits for what it depends on, or for the end.
    Waiting,
    /// It waits for its lease, which another replica has: all is well.
    Standby,
    /// It registers, or sets itself up.
    SettingUp,
    /// Its set-up has failed, and is to be tried again.
    RetryingSetup,
    /// It is set up, and has nothing to run, or not yet.
    Ready,
    /// Its main loop runs.
    Running,
    /// It goes down, or comes up, to be there again.
    Restarting,
    /// It was sent `Shutdown`, and has not answered.
    Stopping,
    /// It is down by an order, and stays so.
    Stopped,
    /// Its main loop has returned `Ok`.
    Finished,
    /// It failed, panicked, ended without an answer, or was forced.
    Failed,
    /// It was told to stop during its set-up, and did.
    Cancelled,
}

impl ServiceCondition {
    /// Of the step that tells most of a service.
    pub(super) fn of(step: Option<(Step, &StepReport)>) -> Self {
        match step {
            None => Self::Waiting,
            Some((step, report)) if report.outcome.is_none() => match step {
                Step::Register | Step::Setup => Self::SettingUp,
                Step::Run => Self::Running,
                Step::Shutdown => Self::Stopping,
            },
            Some((_, report)) if report.cancelled => Self::Cancelled,
            Some((_, report)) if report.outcome != Some(Outcome::Ok) => Self::Failed,
            Some((Step::Register, _)) => Self::Waiting,
            Some((Step::Setup, _)) => Self::Ready,
            Some(_) => Self::Finished,
        }
    }
}

/// The step that tells most of a service: the latest that is open, else the latest that is over. How its `Shutdown` ended says less than how what it
/// was to end did.
pub(super) fn telling_step(service: &ServiceReport) -> Option<(Step, &StepReport)> {
    let open = service.steps().rev().find(|(_, report)| report.outcome.is_none());
    open.or_else(|| service.steps().rfind(|(step, _)| *step != Step::Shutdown))
}

/// What a resource has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResourceCondition {
    /// It was started, and has not been asked to release.
    Up,
    /// It was sent `Release`, and has not answered.
    Releasing,
    /// It acknowledged its release.
    Released,
    /// It died, was forced, or answered `Release` with an error.
    Failed,
}

impl ResourceCondition {
    pub(super) fn of(resource: &ResourceReport) -> Self {
        match (resource.ending, resource.asked_at) {
            (None, None) => Self::Up,
            (None, Some(_)) => Self::Releasing,
            (Some(ResourceEnding::Acknowledged), _) => Self::Released,
            (Some(_), _) => Self::Failed,
        }
    }
}
