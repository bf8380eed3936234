//! What can go wrong, learned from a run in which nothing did: every step that the machine knows, by every way to fail it.
//!
//! ```text
//!   register, setup, run, shutdown   error  panic  async_panic  hang  slow  block  block past the deadline  end
//!   setup, run                       late_error
//!   release                          late_error, and the others, but for error
//!   each of them                     StartShutdown  ForceShutdown  SIGINT  SIGTERM  SIGINT twice  SIGTERM twice
//!   start of a resource              panic  end
//!   life of a service, a resource    panic  end
//! ```

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::time::Duration;

use foldhash::quality::FixedState;

use super::history::{History, Phase, moment};
use crate::events::{LifecycleEvent, Name};
use crate::lifecycle::{Outcome, RestartMode, Step};
use crate::manager::ManagerPlan;
use crate::manager::test_support::fault::{FaultKind, FaultPoint, StopRequest};
use crate::service::RestartPolicy;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) point: FaultPoint,
    pub(super) kind: FaultKind,
}

impl fmt::Display for Case {
    /// `setup of database: hang`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.point, self.kind)
    }
}

/// What is known of a manager before it is started.
#[derive(Debug)]
pub(super) struct Known {
    policies: HashMap<Name, RestartPolicy>,
    /// How long its shutdown may take.
    pub(super) whole: Duration,
    /// Whether it heeds signals.
    pub(super) signals: bool,
    /// What went wrong by itself in the undisturbed run, and was mended: of whom, and as what.
    pub(super) usual: Vec<(Name, String)>,
}

impl Known {
    pub(super) fn new(plan: &ManagerPlan, whole: Duration, signals: bool) -> Self {
        let policies = plan.services.iter().map(|service| (service.id.clone(), service.restart.clone()));
        Self { policies: policies.collect(), whole, signals, usual: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn of(policies: impl IntoIterator<Item = (Name, RestartPolicy)>, whole: Duration) -> Self {
        Self { policies: policies.into_iter().collect(), whole, signals: true, usual: Vec::new() }
    }

    /// Those that it was given.
    pub(super) fn services(&self) -> impl Iterator<Item = &Name> {
        self.policies.keys()
    }

    /// Whether a service that fails for the first time is started again.
    pub(super) fn restarts(&self, service: &Name) -> bool {
        self.policies
            .get(service)
            .is_some_and(|policy| policy.mode() != RestartMode::Never && policy.restarts_allowed() != Some(0))
    }
}

/// Every case, in the order in which their places came up in the undisturbed run.
pub(super) fn cases(undisturbed: &History, signals: bool) -> Vec<Case> {
    let mut places: Vec<FaultPoint> = Vec::new();
    // Those that fail by themselves: what they do in the end is no `Ok` that could be spoiled.
    let (mut over, mut failing) = (Vec::new(), Vec::new());
    for event in undisturbed.events() {
        match moment(event) {
            Some((point, Phase::Began)) if !places.contains(&point) => places.push(point),
            Some((point, Phase::Over(end))) if !over.contains(&point) => {
                over.push(point.clone());
                failing.extend((end.outcome != Outcome::Ok).then_some(point));
            }
            _ => {}
        }
    }
    places.extend(lives(undisturbed));
    let of = |point: FaultPoint| {
        let late = [FaultKind::LateError, FaultKind::LateAsyncPanic];
        let mut kinds = kinds(&point, signals);
        kinds.retain(|kind| !(late.contains(kind) && failing.contains(&point)));
        kinds.into_iter().map(move |kind| Case { point: point.clone(), kind })
    };
    places.into_iter().flat_map(of).collect()
}

/// Those that are needed from the moment at which all run to the shutdown, each with its resources.
fn lives(undisturbed: &History) -> Vec<FaultPoint> {
    let Some(running) = undisturbed.first(|event| matches!(event, LifecycleEvent::Running)) else {
        return Vec::new();
    };
    let asked = undisturbed.first(|event| matches!(event, LifecycleEvent::ShutdownRequested { .. }));
    let mut lives: Vec<FaultPoint> = Vec::new();
    for (at, event) in undisturbed.events().enumerate() {
        match moment(event) {
            Some((FaultPoint::Step { service, step: Step::Setup }, Phase::Began)) if at < running => {
                lives.push(FaultPoint::Life { service, resource: None });
            }
            Some((FaultPoint::Start { service, resource }, Phase::Began)) if at < running => {
                lives.push(FaultPoint::Life { service, resource: Some(resource) });
            }
            Some((FaultPoint::Step { service, step: Step::Run }, Phase::Over(_)))
                if asked.is_none_or(|asked| at < asked) =>
            {
                lives.retain(|life| *life.service() != service);
            }
            _ => {}
        }
    }
    lives
}

fn kinds(point: &FaultPoint, signals: bool) -> Vec<FaultKind> {
    use FaultKind::{AsyncPanic, Block, End, Error, Hang, LateAsyncPanic, LateError, Panic, Slow, Stick};
    const NO_TIME: Duration = Duration::ZERO;
    let mut kinds = match point {
        FaultPoint::Start { .. } | FaultPoint::Life { .. } => return vec![Panic, End],
        // A resource that fails has given back what it holds; so the next run finds the place as the first did.
        FaultPoint::Release { .. } => vec![LateError, Panic, LateAsyncPanic],
        FaultPoint::Step { step: Step::Setup | Step::Run, .. } => vec![Error, LateError, Panic, AsyncPanic],
        FaultPoint::Step { .. } => vec![Error, Panic, AsyncPanic],
    };
    kinds.extend([Hang, Slow(NO_TIME), Block(NO_TIME), Stick(NO_TIME), End]);
    let asks = [
        StopRequest::StartShutdown,
        StopRequest::ForceShutdown,
        StopRequest::Interrupt,
        StopRequest::Terminate,
        StopRequest::InterruptTwice,
        StopRequest::TerminateTwice,
    ];
    let heeded = asks.into_iter().filter(|ask| signals || !ask.is_signal());
    kinds.extend(heeded.map(|ask| FaultKind::StopRequest(ask, NO_TIME)));
    kinds
}

/// How much longer than the manager waits a thread is blocked that is blocked for too long.
const BEYOND: Duration = Duration::from_millis(300);

/// How long after a moment the manager is told to stop, at most.
const SOON_AFTER: Duration = Duration::from_millis(5);

impl Case {
    /// With its times. They follow from the random seed and the case alone, so that a case can be played by itself.
    pub(super) fn timed(&self, whole: Duration, seed: u64) -> Self {
        let name = FixedState::with_seed(seed).hash_one(self.to_string());
        let mut random = fastrand::Rng::with_seed(name);
        let mut within = |most: Duration| most.mul_f64(random.f64());
        let kind = match self.kind {
            // What is asked of a service to be done in time leaves it most of its time.
            FaultKind::Slow(_) => FaultKind::Slow(within(whole / 10)),
            FaultKind::Block(_) => FaultKind::Block(within(whole / 10)),
            FaultKind::Stick(_) => FaultKind::Stick(whole + BEYOND),
            // At once as often as not.
            FaultKind::StopRequest(ask, _) => {
                FaultKind::StopRequest(ask, within(2 * SOON_AFTER).saturating_sub(SOON_AFTER))
            }
            kind => kind,
        };
        Self { point: self.point.clone(), kind }
    }

    /// Whether it blocks a thread, which no paused clock can tell.
    pub(super) fn blocks(&self) -> bool {
        matches!(self.kind, FaultKind::Block(_) | FaultKind::Stick(_))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::events::{End, TimedEvent};
    use crate::lifecycle::Cause;

    const WHOLE: Duration = Duration::from_secs(10);

    fn history(events: impl IntoIterator<Item = LifecycleEvent>) -> History {
        let timed = |event| Arc::new(TimedEvent { at: Duration::ZERO, event });
        History(events.into_iter().map(timed).collect())
    }

    fn ended(outcome: Outcome) -> End {
        End { took: Duration::ZERO, outcome, error: None, cancelled: false }
    }

    /// One that is set up with a resource, runs, fails by itself, runs again, and is asked to stop.
    fn lived() -> History {
        use LifecycleEvent as E;
        let (service, resource): (Name, Name) = ("a".into(), "r".into());
        let s = || service.clone();
        history([
            E::SetupStarted { service: s() },
            E::ResourceStarted { service: s(), resource: resource.clone() },
            E::SetupFinished { service: s(), end: ended(Outcome::Ok) },
            E::RunStarted { service: s() },
            E::Running,
            E::RunFinished { service: s(), end: ended(Outcome::Error) },
            E::SetupStarted { service: s() },
            E::RunStarted { service: s() },
            E::ShutdownRequested { cause: Cause::StartShutdown },
            E::ShutdownStarted { service: s() },
            E::RunFinished { service: s(), end: ended(Outcome::Ok) },
            E::ReleaseStarted { service: s(), resource },
        ])
    }

    fn names(cases: &[Case]) -> Vec<String> {
        cases.iter().map(Case::to_string).collect()
    }

    #[test]
    fn every_step_is_failed_in_every_way_once() {
        let names = names(&cases(&lived(), true));
        let of = |point: &str| names.iter().filter(|name| name.starts_with(&format!("{point}: "))).count();
        assert_eq!((of("setup of a"), of("shutdown of a"), of("release of a/r")), (15, 14, 14), "{names:#?}");
        // It fails by itself, so that there is no `Ok` to be spoiled in the end.
        assert_eq!(of("run of a"), 14, "{names:#?}");
        assert_eq!((of("start of a/r"), of("life of a/r")), (2, 0), "{names:#?}");
        let mut distinct = names.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), names.len(), "names tell cases apart");
    }

    #[test]
    fn a_manager_that_leaves_signals_alone_is_sent_none() {
        let names = names(&cases(&lived(), false));
        assert!(names.iter().all(|name| !name.contains("SIG")), "{names:#?}");
        assert!(names.contains(&"setup of a: ForceShutdown".to_owned()), "{names:#?}");
    }

    #[test]
    fn the_times_of_a_case_are_its_seed_s_and_leave_others_their_time() {
        for case in cases(&lived(), true) {
            for seed in 0..20 {
                let timed = case.timed(WHOLE, seed);
                assert_eq!(timed, case.timed(WHOLE, seed));
                assert_eq!(timed.to_string(), case.to_string());
                match timed.kind {
                    FaultKind::Slow(time) | FaultKind::Block(time) => assert!(time <= WHOLE / 10, "{time:?}"),
                    FaultKind::Stick(time) => assert!(time > WHOLE, "{time:?}"),
                    FaultKind::StopRequest(_, after) => assert!(after <= SOON_AFTER, "{after:?}"),
                    _ => {}
                }
            }
        }
        let slow = Case {
            point: FaultPoint::Life { service: "a".into(), resource: None },
            kind: FaultKind::Slow(WHOLE),
        };
        assert_ne!(slow.timed(WHOLE, 1), slow.timed(WHOLE, 2));
    }
}
