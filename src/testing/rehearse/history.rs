//! What happened in one run, in its order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::events::{End, LifecycleEvent, Name, Phase as EventPhase, TimedEvent};
use crate::lifecycle::{Activity, Outcome};
use crate::manager::test_support::fault::FaultPoint;

/// How many events are shown with what went wrong.
const SHOWN: usize = 30;

/// All that a manager reported.
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
    let about = event.about();
    let service = about.service?.clone();
    let phase = match (about.phase?, about.activity) {
        (EventPhase::Started, _) => Phase::Began,
        (EventPhase::Finished(end), Some(Activity::Handler)) => Phase::Lost(end),
        (EventPhase::Finished(end), _) => Phase::Over(end),
        (EventPhase::Failed(..), _) => return None,
    };
    let point = match (about.activity, about.resource.cloned()) {
        (Some(Activity::Step(step)), _) => FaultPoint::Step { service, step },
        (Some(Activity::Release), Some(resource)) => FaultPoint::Release { service, resource },
        (_, Some(resource)) => FaultPoint::Start { service, resource },
        _ => return None,
    };
    Some((point, phase))
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

    /// Whether what ended there had been told of the shutdown: nobody sees to it any more.
    pub(super) fn is_cancelled(&self, at: usize) -> bool {
        matches!(self.events().nth(at), Some(LifecycleEvent::SetupFinished { end, .. }) if end.cancelled)
    }

    /// Whether the service goes through a restart, another set-up, or a stop of its own, at that time or later.
    pub(super) fn comes_back(&self, service: &Name, at: usize) -> bool {
        use LifecycleEvent as E;
        let (mut passes, mut retried) = (false, false);
        for (now, event) in self.events().enumerate() {
            match event {
                E::RestartStarted { service: of, .. } | E::StopStarted { service: of } if of == service => {
                    passes = true;
                }
                E::SetupRetried { service: of, .. } if of == service => retried = true,
                E::SetupFinished { service: of, end }
                    if of == service && now < at && end.outcome == Outcome::Ok =>
                {
                    retried = false;
                }
                E::RestartFinished { service: of, .. } | E::StopFinished { service: of, .. }
                    if of == service && now < at =>
                {
                    passes = false;
                }
                _ => {}
            }
        }
        passes || retried
    }
}

impl fmt::Display for History {
    /// The latest, oldest first. Who is waited for, second by second, is told by what comes of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reported = |timed: &&Arc<TimedEvent>| !matches!(timed.event, LifecycleEvent::Progress { .. });
        let all: Vec<_> = self.0.iter().filter(reported).collect();
        let left_out = all.len().saturating_sub(SHOWN);
        if left_out > 0 {
            writeln!(f, "({left_out} before)")?;
        }
        all[left_out..].iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}
