//! Errors of services.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::forced::ForcedError;
use super::shutdown_report::{RestartReport, panics};
use crate::events::{Failure, Name};
use crate::lifecycle::{Activity, Step};

/// An error of one service, or of one of its resources.
///
/// It comes within [`StageError::Services`](crate::StageError::Services). Read those first that are no
/// [victims](Self::is_victim): the others follow from them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServiceError {
    /// Whose error it is.
    pub service_id: String,
    /// What it was in: `register`, `setup`, `run`, `shutdown`, `release`; `ending` where these were
    /// over and it did not end; `handler` outside of all those.
    pub stage: &'static str,
    /// The resource, where it was one of the service's resources.
    pub resource: Option<String>,
    /// Where it failed only because another did that it depends on: that one.
    pub because_of: Option<String>,
    /// Where no further restart was allowed: those that led there, oldest first.
    pub restarts: Vec<RestartReport>,
    /// Where it failed in its set-up: how often that had been tried again.
    pub setup_retries: u64,
    /// The error itself; a [`PanicError`](crate::PanicError) or a [`ForcedError`] where it was that.
    pub source: Arc<dyn Error + Send + Sync>,
    text: Arc<str>,
    activity: Activity,
}

impl ServiceError {
    pub(crate) fn new(
        service: &Name,
        activity: Activity,
        resource: Option<&Name>,
        failure: &Failure,
    ) -> Self {
        Self {
            service_id: service.to_string(),
            stage: activity.name(),
            activity,
            resource: resource.map(|name| name.to_string()),
            because_of: None,
            restarts: Vec::new(),
            setup_retries: 0,
            source: Arc::clone(failure.source()),
            text: Arc::clone(failure.text()),
        }
    }

    /// What it was in.
    pub(super) fn activity(&self) -> Activity {
        self.activity
    }

    /// Whether it failed only because another did that it depends on, or because another blocked the thread that they share.
    pub fn is_victim(&self) -> bool {
        self.because_of.is_some() || self.is_starved()
    }

    fn is_starved(&self) -> bool {
        self.source.downcast_ref::<ForcedError>().is_some_and(|forced| forced.hold.is_victim())
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.service_id, self.stage)?;
        if let Some(resource) = &self.resource {
            write!(f, " of {resource}")?;
        }
        write!(f, "): {}", self.text)?;
        if let Some(culprit) = &self.because_of {
            write!(f, " (it depends on {culprit}, which failed)")?;
        }
        if self.setup_retries > 0 {
            let tried = crate::base::times(self.setup_retries);
            write!(f, " (the set-up had been tried again {tried}, and no further retry was allowed)")?;
        }
        if !self.restarts.is_empty() {
            let count = self.restarts.len();
            write!(f, "\n  and no further restart was allowed; it had been restarted ")?;
            match count {
                1 => f.write_str("once:")?,
                _ => write!(f, "{count} times:")?,
            }
            for restart in &self.restarts {
                write!(f, "\n  {restart}")?;
            }
        }
        Ok(())
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The errors of several services in one stage: culprits first, then those whom they starved or took down with them.
#[derive(Debug, Clone, Default)]
pub struct ServicesErrors {
    errors: Vec<ServiceError>,
    culprits: usize,
    /// Of which services there were more panics than are kept, and how many more.
    left_out: Vec<(Name, u64)>,
}

impl ServicesErrors {
    pub(crate) fn push(&mut self, error: ServiceError) {
        if error.is_victim() {
            self.errors.push(error);
        } else {
            self.errors.insert(self.culprits, error);
            self.culprits += 1;
        }
    }

    /// What was told of a step of a service is told by another.
    pub(crate) fn take_back(&mut self, service: &Name, step: Step) {
        let is = |error: &ServiceError| {
            *error.service_id == **service
                && error.activity == Activity::Step(step)
                && error.resource.is_none()
        };
        if let Some(at) = self.errors.iter().position(is) {
            self.errors.remove(at);
            self.culprits -= usize::from(at < self.culprits);
        }
    }

    /// A panic more, beyond those that are kept.
    pub(crate) fn leave_out(&mut self, service: &Name) {
        match self.left_out.iter_mut().find(|(of, _)| of == service) {
            Some((_, count)) => *count += 1,
            None => self.left_out.push((service.clone(), 1)),
        }
    }

    /// Marks those that failed only because another did, as told by `because_of`.
    pub(crate) fn blame(&mut self, because_of: impl Fn(&ServiceError) -> Option<String>) {
        self.culprits = 0;
        for mut error in std::mem::take(&mut self.errors) {
            error.because_of = because_of(&error);
            self.push(error);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.left_out.is_empty()
    }

    /// All of them, culprits first, in the order in which they happened.
    pub fn errors(&self) -> &[ServiceError] {
        &self.errors
    }

    /// The errors of services that failed by themselves.
    pub fn culprits(&self) -> &[ServiceError] {
        &self.errors[..self.culprits]
    }

    /// The errors of services that were starved or taken down by another.
    pub fn victims(&self) -> &[ServiceError] {
        &self.errors[self.culprits..]
    }
}

impl fmt::Display for ServicesErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.errors.len() as u64 + self.left_out.iter().map(|(_, count)| count).sum::<u64>();
        write!(f, "{count} error{}", if count == 1 { "" } else { "s" })?;
        for error in self.culprits() {
            write!(f, "\n{error}")?;
        }
        let of = |starved| self.victims().iter().filter(move |error| error.is_starved() == starved);
        for (title, starved) in [("failed with them", false), ("starved by them", true)] {
            if of(starved).next().is_some() {
                write!(f, "\n{title}:")?;
            }
            for error in of(starved) {
                write!(f, "\n  {error}")?;
            }
        }
        for (service, count) in &self.left_out {
            write!(f, "\n{service}: and {} more", panics(*count))?;
        }
        Ok(())
    }
}

impl Error for ServicesErrors {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.errors.first().map(|error| error as _)
    }
}
