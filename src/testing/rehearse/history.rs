//! What happened in one run, in its order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::events::{End, LifecycleEvent, Name, TimedEvent};
use crate::lifecycle::Step;
use crate::manager::test_support::fault::FaultPoint;

/// How many events are shown with what went wrong.
const SHOWN: usize = 30;

/// All that a manager told.
#[derive(Debug, Default)]
pub(super) struct History(pub(super) Vec<Arc<TimedEvent>>);

/// What an event says of a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase<'a> {
    Began,
    Over(&'a End),
    /// A resource ended before it was asked to.
    Lost(&'a End),
}

/// The place that an event is about, and what it says of it.
pub(super) fn moment(event: &LifecycleEvent) -> Option<(FaultPoint, Phase<'_>)> {
    use LifecycleEvent as E;
    let step = |service: &Name, step| FaultPoint::Step { service: service.clone(), step };
    let release = |service: &Name, resource: &Name| FaultPoint::Release {
        service: service.clone(),
        resource: resource.clone(),
    };
    let start = |service: &Name, resource: &Name| FaultPoint::Start {
        service: service.clone(),
        resource: resource.clone(),
    };
    Some(match event {
        E::RegisterStarted { service } => (step(service, Step::Register), Phase::Began),
        E::RegisterFinished { service, end } => (step(service, Step::Register), Phase::Over(end)),
        E::SetupStarted { service } => (step(service, Step::Setup), Phase::Began),
        E::SetupFinished { service, end } => (step(service, Step::Setup), Phase::Over(end)),
        E::RunStarted { service } => (step(service, Step::Run), Phase::Began),
        E::RunFinished { service, end } => (step(service, Step::Run), Phase::Over(end)),
        E::ShutdownStarted { service } => (step(service, Step::Shutdown), Phase::Began),
        E::ShutdownFinished { service, end } => (step(service, Step::Shutdown), Phase::Over(end)),
        E::ResourceStarted { service, resource } => (start(service, resource), Phase::Began),
        E::ResourceLost { service, resource, end } => (start(service, resource), Phase::Lost(end)),
        E::ReleaseStarted { service, resource } => (release(service, resource), Phase::Began),
        E::ReleaseFinished { service, resource, end } => (release(service, resource), Phase::Over(end)),
        _ => return None,
    })
}

impl History {
    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &LifecycleEvent> {
        self.0.iter().map(|timed| &timed.event)
    }

    /// Where this first happened.
    pub(super) fn first(&self, is: impl Fn(&LifecycleEvent) -> bool) -> Option<usize> {
        self.events().position(is)
    }

    /// Where a fault of this place strikes.
    pub(super) fn struck(&self, point: &FaultPoint) -> Option<usize> {
        self.first(|event| match point {
            FaultPoint::Life { .. } => matches!(event, LifecycleEvent::Running),
            _ => matches!(moment(event), Some((here, Phase::Began)) if here == *point),
        })
    }

    /// When the shutdown was asked.
    pub(super) fn asked_at(&self) -> Option<Duration> {
        let at = self.first(|event| matches!(event, LifecycleEvent::ShutdownRequested { .. }))?;
        Some(self.0[at].at)
    }
}

impl fmt::Display for History {
    /// The latest, oldest first. Who is waited for, second by second, is told by what comes of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |timed: &&Arc<TimedEvent>| !matches!(timed.event, LifecycleEvent::Progress { .. });
        let all: Vec<_> = self.0.iter().filter(told).collect();
        let left_out = all.len().saturating_sub(SHOWN);
        if left_out > 0 {
            writeln!(f, "({left_out} before)")?;
        }
        all[left_out..].iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}
