//! The checks find what is not kept: honest stories pass, and each lie in one is found.

use std::sync::Arc;
use std::time::Duration;

use super::{Violation, violations};
use crate::base::PanicError;
use crate::events::{End, Failure, LifecycleEvent as E, Name, TimedEvent};
use crate::lifecycle::{Activity, Cause, ErrorStage, Fault, Outcome, Remedy, Step};
use crate::manager::test_support::fault::{FaultKind, FaultPoint, StopRequest};
use crate::report::{ForcedError, Hold, NoAnswerError, ReportBuilder};
use crate::service::RestartPolicy;
use crate::testing::rehearse::cases::{Case, Known};
use crate::testing::rehearse::run::Played;

const WHOLE: Duration = Duration::from_secs(1);

fn step(service: &str, step: Step) -> FaultPoint {
    FaultPoint::Step { service: service.into(), step }
}

fn setup(service: &str) -> FaultPoint {
    step(service, Step::Setup)
}

fn run(service: &str) -> FaultPoint {
    step(service, Step::Run)
}

fn shutdown(service: &str) -> FaultPoint {
    step(service, Step::Shutdown)
}

fn start(resource: &str) -> FaultPoint {
    FaultPoint::Start { service: "a".into(), resource: resource.into() }
}

fn release(resource: &str) -> FaultPoint {
    FaultPoint::Release { service: "a".into(), resource: resource.into() }
}

/// A story of the services a, which has resources r and s, and b.
#[derive(Clone)]
struct Story(Vec<E>);

/// Something that is told of, and of which nothing came.
const OK: End = End { took: Duration::ZERO, outcome: Outcome::Ok, error: None, cancelled: false };

fn failed(outcome: Outcome, stage: ErrorStage, error: impl std::error::Error + Send + Sync + 'static) -> End {
    End { outcome, error: Some(Failure::of(Fault { stage, remedy: Remedy::None }, error)), ..OK }
}

fn began(point: &FaultPoint) -> E {
    let service = point.service().clone();
    match point.clone() {
        FaultPoint::Step { step: Step::Register, .. } => E::RegisterStarted { service },
        FaultPoint::Step { step: Step::Setup, .. } => E::SetupStarted { service },
        FaultPoint::Step { step: Step::Run, .. } => E::RunStarted { service },
        FaultPoint::Step { step: Step::Shutdown, .. } => E::ShutdownStarted { service },
        FaultPoint::Start { resource, .. } => E::ResourceStarted { service, resource },
        FaultPoint::Release { resource, .. } => E::ReleaseStarted { service, resource },
        FaultPoint::Life { .. } => E::Running,
    }
}

fn over(point: &FaultPoint, end: End) -> E {
    let service = point.service().clone();
    match point.clone() {
        FaultPoint::Step { step: Step::Register, .. } => E::RegisterFinished { service, end },
        FaultPoint::Step { step: Step::Setup, .. } => E::SetupFinished { service, end },
        FaultPoint::Step { step: Step::Run, .. } => E::RunFinished { service, end },
        FaultPoint::Step { step: Step::Shutdown, .. } => E::ShutdownFinished { service, end },
        FaultPoint::Start { resource, .. } => E::ResourceLost { service, resource, end },
        FaultPoint::Release { resource, .. } => E::ReleaseFinished { service, resource, end },
        FaultPoint::Life { .. } => E::Stopped,
    }
}

fn is(event: &E, other: &E) -> bool {
    std::mem::discriminant(event) == std::mem::discriminant(other)
        && event.to_string().split(':').next() == other.to_string().split(':').next()
}

impl Story {
    /// In which nothing goes wrong.
    fn plain() -> Self {
        let mut all = vec![began(&setup("a")), began(&start("r")), began(&start("s")), began(&setup("b"))];
        all.extend([over(&setup("a"), OK), over(&setup("b"), OK), began(&run("a")), began(&run("b"))]);
        all.extend([E::Running, E::ShutdownRequested { cause: Cause::StartShutdown }, E::Draining]);
        for service in ["a", "b"] {
            all.extend([began(&shutdown(service)), over(&shutdown(service), OK), over(&run(service), OK)]);
        }
        all.extend([E::Drained, E::Releasing]);
        for resource in ["s", "r"] {
            all.extend([began(&release(resource)), over(&release(resource), OK)]);
        }
        all.push(E::Stopped);
        Self(all)
    }

    fn place_of(&self, event: &E) -> usize {
        self.0.iter().position(|other| is(other, event)).unwrap_or_else(|| panic!("{event} is in the story"))
    }

    fn without(mut self, event: &E) -> Self {
        self.0.remove(self.place_of(event));
        self
    }

    fn with(mut self, event: E) -> Self {
        let at = self.place_of(&event);
        self.0[at] = event;
        self
    }

    fn twice(mut self, event: &E) -> Self {
        let at = self.place_of(event);
        self.0.insert(at, self.0[at].clone());
        self
    }

    /// With this before that.
    fn earlier(mut self, event: &E, before: &E) -> Self {
        let moved = self.0.remove(self.place_of(event));
        let at = self.place_of(before);
        self.0.insert(at, moved);
        self
    }

    /// What a manager that tells this story comes to.
    fn played(&self) -> Played {
        let services: [(Name, Vec<Name>); 2] = [("a".into(), vec![]), ("b".into(), vec![])];
        let mut report = ReportBuilder::new(services);
        let mut played = Played { struck: true, took: Some(WHOLE), ..Played::default() };
        for (at, event) in self.0.iter().enumerate() {
            let timed = TimedEvent { at: Duration::from_millis(at as u64), event: event.clone() };
            report.record(&timed);
            played.history.0.push(Arc::new(timed));
        }
        played.ended = Some(report.result());
        played.ended_again.clone_from(&played.ended);
        played.ran = Some(Ok(()));
        played.ran_again = Some(Err(crate::ManagerError::gone("it has stopped".to_owned())));
        played
    }
}

fn known(policy: &RestartPolicy) -> Known {
    Known::of(["a", "b"].map(|id| (id.into(), policy.clone())), WHOLE)
}

fn judged(case: Option<&Case>, played: &Played) -> Vec<String> {
    let found = violations(case, &known(&RestartPolicy::never()), played);
    found.iter().map(Violation::to_string).collect()
}

#[track_caller]
fn is_honest(case: Option<&Case>, story: &Story) {
    assert_eq!(judged(case, &story.played()), [""; 0]);
}

/// A lie is found, and said.
#[track_caller]
fn is_found(case: Option<&Case>, story: &Story, says: &str) {
    let found = judged(case, &story.played());
    assert!(found.iter().any(|found| found.contains(says)), "no {says:?} in {found:#?}");
}

#[test]
fn a_plain_story_is_honest_and_each_lie_in_it_is_found() {
    let plain = Story::plain;
    is_honest(None, &plain());
    let lies = [
        (plain().earlier(&began(&run("a")), &over(&setup("b"), OK)), "b was not set up"),
        (plain().twice(&began(&setup("a"))), "setup of a to begin once"),
        (plain().twice(&over(&run("b"), OK)), "run of b to end once"),
        (plain().without(&over(&shutdown("b"), OK)), "an ending of shutdown of b"),
        (
            plain().earlier(&over(&run("a"), OK), &began(&shutdown("a"))),
            "Shutdown only for a Run that is not over",
        ),
        (plain().earlier(&began(&release("s")), &over(&run("a"), OK)), "no Release while its service is up"),
        (
            plain()
                .earlier(&E::Releasing, &over(&run("a"), OK))
                .earlier(&began(&release("s")), &over(&run("b"), OK)),
            "while b ran",
        ),
        (plain().earlier(&began(&release("r")), &began(&release("s"))), "before s was over"),
        (plain().earlier(&began(&release("r")), &over(&release("s"), OK)), "before s was over"),
        (plain().twice(&began(&release("r"))), "release of a/r to begin at most once"),
        (plain().without(&over(&release("r"), OK)), "an ending of a/r"),
        (plain().twice(&over(&release("r"), OK)), "one ending of release of a/r"),
        (plain().twice(&began(&start("r"))), "one resource r of a"),
        (plain().without(&E::Stopped), "`stopped` as the last event"),
        (plain().earlier(&E::Stopped, &over(&release("r"), OK)), "nothing after `stopped`"),
    ];
    for (lie, says) in lies {
        is_found(None, &lie, says);
    }
}

/// The fault of a release, and how it shows.
fn panicked(message: &str) -> (Case, Story) {
    let case = Case { point: release("s"), kind: FaultKind::Panic };
    let panic = PanicError {
        message: message.to_owned(),
        ..PanicError::unseen(&"nothing" as &(dyn std::any::Any + Send))
    };
    (case, Story::plain().with(over(&release("s"), failed(Outcome::Panic, ErrorStage::Shutdown, panic))))
}

#[test]
fn a_fault_is_to_show_where_it_struck_as_what_it_was() {
    let (case, story) = panicked("rehearsed: release of a/s panics");
    is_honest(Some(&case), &story);
    is_found(Some(&case), &Story::plain(), "no event tells of it");
    let (case, story) = panicked("something else");
    is_found(Some(&case), &story, "to say \"rehearsed: release of a/s panics\"");
    let elsewhere = Case { point: release("r"), kind: FaultKind::Panic };
    is_found(Some(&elsewhere), &story, "release of a/r to end as `panic`");
    is_found(Some(&elsewhere), &story, "nobody to be blamed but release of a/r");
    let otherwise = failed(Outcome::Ended, ErrorStage::Shutdown, NoAnswerError::new(Activity::Release));
    is_found(Some(&case), &story.clone().with(over(&release("s"), otherwise)), "to end as `panic`");
    let stage = failed(Outcome::Ended, ErrorStage::Run, NoAnswerError::new(Activity::Release));
    let case = Case { point: release("s"), kind: FaultKind::End };
    is_found(Some(&case), &story.with(over(&release("s"), stage)), "to fail the stage [Shutdown]");
}

#[test]
fn an_error_that_the_report_leaves_out_is_found() {
    let (case, story) = panicked("rehearsed: release of a/s panics");
    let mut played = story.played();
    played.ended = Some(Ok(()));
    played.ended_again = Some(Ok(()));
    let found = judged(Some(&case), &played);
    assert!(found.iter().any(|found| found.contains("exit code 3")), "{found:#?}");
    assert!(found.iter().any(|found| found.contains("one error of release of a/s")), "{found:#?}");
}

fn forced(activity: Activity, hold: Hold) -> End {
    let error = ForcedError::new(activity, WHOLE, hold, None);
    failed(Outcome::Forced, ErrorStage::Shutdown, error)
}

#[test]
fn who_did_nothing_wrong_is_not_to_be_blamed() {
    let silent = || Hold::Silent { asked: WHOLE };
    let hangs = Case { point: run("a"), kind: FaultKind::Hang };
    let story = Story::plain().with(over(&run("a"), forced(Activity::Step(Step::Run), silent())));
    is_honest(Some(&hangs), &story);
    let both = story.clone().with(over(&run("b"), forced(Activity::Step(Step::Run), silent())));
    is_found(Some(&hangs), &both, "nobody to be blamed but run of a");
    let starved = |by: &str| Hold::Starved { by: by.into(), lasted: WHOLE };
    let sticks = Case { point: run("a"), kind: FaultKind::Stick(WHOLE) };
    let blocks = || forced(Activity::Step(Step::Run), Hold::Blocking { lasted: WHOLE });
    let story = Story::plain().with(over(&run("a"), blocks()));
    is_honest(
        Some(&sticks),
        &story.clone().with(over(&run("b"), forced(Activity::Step(Step::Run), starved("a")))),
    );
    is_found(
        Some(&sticks),
        &story.with(over(&run("b"), forced(Activity::Step(Step::Run), starved("c")))),
        "starved by c",
    );
    // Nothing is forced by something that is merely slow; by a second signal anything may be.
    let slow = Case { point: run("a"), kind: FaultKind::Slow(Duration::ZERO) };
    is_found(Some(&slow), &both, "nobody to be blamed but run of a");
    let at_once = Case {
        point: run("a"),
        kind: FaultKind::StopRequest(StopRequest::ForceShutdown, Duration::from_millis(1)),
    };
    is_honest(Some(&at_once), &both);
}

#[test]
fn a_restart_that_a_policy_promises_is_missed() {
    let case = Case { point: run("a"), kind: FaultKind::End };
    let ended = failed(Outcome::Ended, ErrorStage::Run, NoAnswerError::new(Activity::Step(Step::Run)));
    let mut story = Story::plain().with(over(&run("a"), ended));
    let asked = E::ShutdownRequested { cause: Cause::RunFailed("a".into()) };
    story = story.earlier(&over(&run("a"), OK), &E::Running).with(asked);
    story = story.without(&began(&shutdown("a"))).without(&over(&shutdown("a"), OK));
    is_honest(Some(&case), &story);
    let found = violations(Some(&case), &known(&RestartPolicy::on_failure()), &story.played());
    assert!(found.iter().any(|found| found.to_string().contains("a to be restarted")), "{found:?}");
    let other = story.with(E::ShutdownRequested { cause: Cause::RunFailed("b".into()) });
    is_found(Some(&case), &other, "the shutdown to be asked by failure of a");
}

#[test]
fn nobody_is_to_mend_a_set_up_that_the_shutdown_has_cancelled() {
    let case = Case { point: setup("b"), kind: FaultKind::LateError };
    let misses_a_set_up = |cancelled| {
        let error = Failure::of(
            Fault { stage: ErrorStage::Setup, remedy: Remedy::Other },
            std::io::Error::other("rehearsed: setup of b fails"),
        );
        let end = End { outcome: Outcome::Error, error: Some(error), cancelled, ..OK };
        let found = judged(Some(&case), &Story::plain().with(over(&setup("b"), end)).played());
        found.iter().any(|found| found.contains("b to be restarted, or set up again"))
    };
    assert!(misses_a_set_up(false));
    assert!(!misses_a_set_up(true));
}

#[test]
fn an_end_that_is_late_or_leaves_something_open_is_found_and_may_be_chance() {
    let known = known(&RestartPolicy::never());
    let mut late = Story::plain().played();
    late.took = Some(WHOLE + Duration::from_millis(101));
    late.open_addresses.push("127.0.0.1:1".to_owned());
    let found = violations(None, &known, &late);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|found| found.may_be_chance), "{found:?}");
}

#[test]
fn whoever_is_not_answered_is_found() {
    let honest = || Story::plain().played();
    let lies = [
        (Played { ended: None, ..honest() }, "WaitForShutdown was not answered"),
        (
            Played { ended_again: None, ..honest() },
            "WaitForShutdown to be answered after the end as before it",
        ),
        (Played { ran: None, ..honest() }, "WaitUntilRunning, asked before the end, to be answered"),
        (Played { ran_again: None, ..honest() }, "WaitUntilRunning, asked after the end, to be answered"),
        (Played { ran_again: Some(Ok(())), ..honest() }, "the answer was Ok"),
        (Story::plain().without(&E::Running).played(), "they never did"),
    ];
    for (lie, says) in lies {
        let found = judged(None, &lie);
        assert!(found.iter().any(|found| found.contains(says)), "no {says:?} in {found:#?}");
    }
}
