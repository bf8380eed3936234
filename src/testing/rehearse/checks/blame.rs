//! The blame: what went wrong is told of whom it went wrong with, in its stage and by its kind, and of nobody else.

mod excuse;

use super::violation::Violation;
use crate::base::PanicError;
use crate::events::{Failure, LifecycleEvent, Name, Phase as EventPhase};
use crate::lifecycle::{Cause, ErrorStage, Outcome, SignalKind, Step};
use crate::manager::test_support::fault::{FaultKind, FaultPoint, StopRequest};
use crate::report::{ForcedError, Hold, ManagerError, NoAnswerError, ServiceError, StageError};
use crate::testing::rehearse::cases::{Case, Known};
use crate::testing::rehearse::history::{History, Phase, moment};
use crate::testing::rehearse::run::Played;

pub(super) fn violations(case: Option<&Case>, known: &Known, played: &Played) -> Vec<Violation> {
    let mut found = Vec::new();
    let error = played.ended.as_ref().and_then(|ended| ended.as_ref().err());
    let reported = reported(&played.history);
    exit_code(&reported, error, &mut found);
    let Some(case) = case else {
        found
            .extend(error.map(|error| Violation::new("an end without an error", format!("it was: {error}"))));
        return found;
    };
    if let Some(struck) = played.history.struck(&case.point).filter(|_| played.struck) {
        let judge = Judge { case, known, played, error, reported: &reported, struck };
        judge.fault(&mut found);
        judge.others(&mut found);
        judge.cause(&mut found);
    }
    found
}

/// A failure, as the events tell it.
struct ReportedError<'a> {
    at: usize,
    point: Option<FaultPoint>,
    service: &'a Name,
    resource: Option<&'a Name>,
    outcome: Outcome,
    error: &'a Failure,
}

/// What went wrong by itself in a run in which nothing was to go wrong: of whom, and as what.
pub(in crate::testing::rehearse) fn usual(undisturbed: &History) -> Vec<(Name, String)> {
    reported(undisturbed)
        .iter()
        .map(|reported| (reported.service.clone(), reported.error.text().to_string()))
        .collect()
}

fn reported(history: &History) -> Vec<ReportedError<'_>> {
    let mut all = Vec::new();
    for (at, event) in history.events().enumerate() {
        let point = moment(event);
        let about = event.about();
        let (Some(service), Some(_), Some(phase)) = (about.service, about.activity, about.phase) else {
            continue;
        };
        let resource = about.resource;
        let (outcome, error) = match phase {
            EventPhase::Started => continue,
            EventPhase::Finished(end) => (end.outcome, end.error.as_ref()),
            EventPhase::Failed(outcome, error) => (outcome, Some(error)),
        };
        let point = match point {
            Some((point, Phase::Over(_) | Phase::Lost(_))) => Some(point),
            _ => None,
        };
        all.extend(error.map(|error| ReportedError { at, point, service, resource, outcome, error }));
    }
    all
}

/// G15: the exit code is that of the worst that was told and not mended.
fn exit_code(reported: &[ReportedError<'_>], error: Option<&ManagerError>, found: &mut Vec<Violation>) {
    let code = |stage| match stage {
        ErrorStage::Setup => 1,
        ErrorStage::Run => 2,
        ErrorStage::Shutdown => 3,
    };
    let lasting = reported.iter().filter(|reported| !reported.error.is_mended());
    let wanted = lasting.map(|reported| code(reported.error.stage())).max().unwrap_or(0);
    let got = error.map_or(0, ManagerError::exit_code);
    if wanted != got {
        let reported = error.map_or_else(|| "no error".to_owned(), ToString::to_string);
        let expected = format!("exit code {wanted}, by what the events tell (G15)");
        found.push(Violation::new(expected, format!("it was {got}, of: {reported}")));
    }
}

/// The errors of services, each with its stage.
fn errors(error: Option<&ManagerError>) -> Vec<(ErrorStage, &ServiceError)> {
    let Some(error) = error else { return Vec::new() };
    let stages = [
        (ErrorStage::Setup, error.setup()),
        (ErrorStage::Run, error.run()),
        (ErrorStage::Shutdown, error.shutdown()),
    ];
    let mut all = Vec::new();
    for (stage, error) in stages {
        if let Some(StageError::Services(errors)) = error {
            all.extend(errors.errors().iter().map(|error| (stage, error)));
        }
    }
    all
}

/// What is to be judged of one run.
struct Judge<'a> {
    case: &'a Case,
    known: &'a Known,
    played: &'a Played,
    error: Option<&'a ManagerError>,
    reported: &'a [ReportedError<'a>],
    /// The place of the event at which the fault struck.
    struck: usize,
}

impl<'a> Judge<'a> {
    /// How the fault must show; `None`: not at all.
    fn wanted(&self) -> Option<Outcome> {
        match (self.case.kind, &self.case.point) {
            // An actor that stops itself when asked to stop does what it was asked.
            (FaultKind::End, FaultPoint::Step { step: Step::Shutdown, .. }) => None,
            (FaultKind::Slow(_) | FaultKind::Block(_) | FaultKind::StopRequest(..), _) => None,
            (FaultKind::Error | FaultKind::LateError, _) => Some(Outcome::Error),
            (FaultKind::Panic | FaultKind::AsyncPanic | FaultKind::LateAsyncPanic, _) => Some(Outcome::Panic),
            (FaultKind::Hang | FaultKind::Stick(_), _) => Some(Outcome::Forced),
            (FaultKind::End, _) => Some(Outcome::Ended),
        }
    }

    /// Whether a failure is that of the fault.
    fn is_of_fault(&self, reported: &ReportedError<'_>) -> bool {
        let point = &self.case.point;
        reported.at >= self.struck
            && match point {
                FaultPoint::Step { .. } | FaultPoint::Release { .. } => {
                    reported.point.as_ref() == Some(point)
                }
                FaultPoint::Start { .. } | FaultPoint::Life { .. } => {
                    reported.service == point.service() && reported.resource == point.resource()
                }
            }
    }

    fn shown(&self) -> Option<&'a ReportedError<'a>> {
        self.reported.iter().find(|reported| self.is_of_fault(reported))
    }

    /// What went wrong is reported, as it was, once.
    fn fault(&self, found: &mut Vec<Violation>) {
        let point = &self.case.point;
        let Some(wanted) = self.wanted() else { return };
        let Some(shown) = self.shown() else {
            let happened = format!("no event tells of it; the end was: {}", self.end());
            found.push(Violation::new(format!("{point} to end as `{wanted}`, with an error"), happened));
            return;
        };
        // One that is replaced when it is stuck is given up before it is forced.
        let given_up = shown.error.is_mended() && shown.outcome == Outcome::Ended;
        if shown.outcome != wanted && !(wanted == Outcome::Forced && given_up) {
            let expected = format!("{point} to end as `{wanted}`");
            found.push(Violation::new(expected, format!("it ended as `{}`: {}", shown.outcome, shown.error)));
        }
        if let Some(text) = self.text()
            && !shown.error.text().contains(&text)
        {
            let expected = format!("the error of {point} to say {text:?}");
            found.push(Violation::new(expected, format!("it says {:?}", shown.error.text())));
        }
        if shown.error.is_mended() {
            self.mended(shown, found);
        } else {
            self.lasting(shown, found);
        }
    }

    fn text(&self) -> Option<String> {
        match self.wanted()? {
            Outcome::Error => Some(self.case.point.told("fails")),
            Outcome::Panic => Some(self.case.point.told("panics")),
            _ => None,
        }
    }

    fn end(&self) -> String {
        self.error.map_or_else(|| "Ok".to_owned(), ToString::to_string)
    }

    /// A restart sees to it, or the shutdown has cancelled it: it is reported, and no error is left of it.
    fn mended(&self, shown: &ReportedError<'_>, found: &mut Vec<Violation>) {
        let (service, history) = (self.case.point.service(), &self.played.history);
        if !history.is_cancelled(shown.at) && !history.comes_back(service, shown.at) {
            let happened = "no restart, other set-up or stop of it was told";
            found.push(Violation::new(
                format!("{service} to be restarted, or set up again, as its failure is mended"),
                happened,
            ));
        }
        if !self.of_fault(shown).is_empty() {
            let expected = format!("no error of {service}, as a restart mended its failure");
            found.push(Violation::new(expected, format!("the end was: {}", self.end())));
        }
    }

    /// The errors of the manager that tell what this event tells.
    fn of_fault(&self, shown: &ReportedError<'_>) -> Vec<(ErrorStage, &'a ServiceError)> {
        let is = |error: &ServiceError| {
            error.service_id == **shown.service
                && error.resource.as_deref() == shown.resource.map(|name| &**name)
                && error.source.to_string() == shown.error.source().to_string()
                && std::ptr::addr_eq(&raw const *error.source, &raw const **shown.error.source())
        };
        errors(self.error).into_iter().filter(|(_, error)| is(error)).collect()
    }

    fn lasting(&self, shown: &ReportedError<'_>, found: &mut Vec<Violation>) {
        let point = &self.case.point;
        let service = point.service();
        let before = self.played.history.events().take(shown.at);
        let (mut ran, mut asked, mut restarted) = (false, false, false);
        for event in before {
            ran |= matches!(event, LifecycleEvent::RunStarted { .. });
            asked |= matches!(event, LifecycleEvent::ShutdownRequested { .. });
            restarted |= matches!(event, LifecycleEvent::RestartStarted { service: of, .. } if of == service);
        }
        let stage = shown.error.stage();
        if ran && !asked && !restarted && stage == ErrorStage::Run && self.known.restarts(service) {
            let expected = format!("{service} to be restarted, as its RestartPolicy says");
            found.push(Violation::new(expected, format!("the end was: {}", self.end())));
        }
        let due = self.stages(ran);
        if !due.contains(&stage) {
            let expected = format!("{point} to fail the stage {due:?} (G15)");
            found.push(Violation::new(expected, format!("it is told of the stage {stage:?}")));
        }
        match self.of_fault(shown)[..] {
            [(of, error)] if of == stage => self.kind(error, found),
            // One that was cut off in its main loop and its shutdown is one culprit, and told once.
            [] if self.is_told_by_other(shown) => {}
            ref others => {
                let expected = format!("one error of {point}, in the stage `{stage}`");
                let got = others.len();
                found
                    .push(Violation::new(expected, format!("there were {got}; the end was: {}", self.end())));
            }
        }
    }

    /// The stages that the fault's error may belong to.
    fn stages(&self, ran: bool) -> &'static [ErrorStage] {
        if self.wanted() == Some(Outcome::Forced) {
            return &[ErrorStage::Shutdown];
        }
        match &self.case.point {
            FaultPoint::Step { step: Step::Register | Step::Setup, .. } => &[ErrorStage::Setup],
            FaultPoint::Step { step: Step::Run, .. } => &[ErrorStage::Run],
            FaultPoint::Step { step: Step::Shutdown, .. } | FaultPoint::Release { .. } => {
                &[ErrorStage::Shutdown]
            }
            // Its service may have failed of it before, or just have ended.
            FaultPoint::Start { .. } if !ran => &[ErrorStage::Setup, ErrorStage::Shutdown],
            FaultPoint::Start { .. } | FaultPoint::Life { .. } => &[ErrorStage::Run, ErrorStage::Shutdown],
        }
    }

    /// The error itself is of the kind that it is to be.
    fn kind(&self, error: &ServiceError, found: &mut Vec<Violation>) {
        let source = &error.source;
        let (kind, right) = match self.wanted() {
            Some(Outcome::Panic) => {
                let message = self.case.point.told("panics");
                let is = |panic: &PanicError| panic.message == message;
                ("a PanicError with its message (G11)", source.downcast_ref().is_some_and(is))
            }
            Some(Outcome::Ended) => ("a NoAnswerError", source.is::<NoAnswerError>()),
            Some(Outcome::Forced) => {
                let sticks = matches!(self.case.kind, FaultKind::Stick(_));
                let is = |forced: &ForcedError| {
                    sticks == matches!(forced.hold, Hold::Blocking { .. }) && !forced.hold.is_victim()
                };
                let kind =
                    if sticks { "a ForcedError by a blocked thread (G9)" } else { "a ForcedError (G9)" };
                (kind, source.downcast_ref().is_some_and(is))
            }
            _ => return,
        };
        if !right {
            found.push(Violation::new(
                format!("{} to have failed by {kind}", self.case.point),
                error.to_string(),
            ));
        }
    }

    /// What began the shutdown is reported.
    fn cause(&self, found: &mut Vec<Violation>) {
        let events = || self.played.history.events().enumerate();
        let asked = events().find_map(|(at, event)| match event {
            LifecycleEvent::ShutdownRequested { cause } => Some((at, cause)),
            _ => None,
        });
        let Some((asked, cause)) = asked else { return };
        let service = self.case.point.service().clone();
        let wanted = match (self.case.kind, self.shown()) {
            (FaultKind::StopRequest(ask, after), _) if after.is_zero() && asked > self.struck => match ask {
                StopRequest::StartShutdown => Cause::StartShutdown,
                StopRequest::ForceShutdown => Cause::ForceShutdown,
                StopRequest::Interrupt | StopRequest::InterruptTwice => Cause::Signal(SignalKind::Interrupt),
                StopRequest::Terminate | StopRequest::TerminateTwice => Cause::Signal(SignalKind::Terminate),
            },
            (_, Some(shown)) if shown.at < asked && !shown.error.is_mended() => match shown.error.stage() {
                ErrorStage::Setup => Cause::SetupFailed(service),
                ErrorStage::Run => Cause::RunFailed(service),
                ErrorStage::Shutdown => return,
            },
            _ => return,
        };
        if *cause != wanted {
            found.push(Violation::new(
                format!("the shutdown to be asked by {wanted}"),
                format!("it was by {cause}"),
            ));
        }
    }
}
