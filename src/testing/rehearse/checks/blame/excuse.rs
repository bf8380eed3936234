//! Who else may be blamed, and why: what somebody did is reported, whatever led to it; but nobody is cut off that had time left,
//! and did nothing wrong where nothing went wrong.

use super::{Judge, ReportedError, errors};
use crate::lifecycle::Outcome;
use crate::manager::test_support::fault::{FaultKind, FaultPoint};
use crate::report::{ForcedError, Hold, NoAnswerError, ServiceError};
use crate::testing::rehearse::checks::Violation;
use crate::testing::rehearse::history::{Phase, moment};

impl Judge<'_> {
    /// Nobody is blamed without a reason.
    pub(super) fn others(&self, found: &mut Vec<Violation>) {
        let own = self.shown().map(|shown| self.of_fault(shown)).unwrap_or_default();
        for (stage, error) in errors(self.error) {
            if own.iter().any(|(_, of)| std::ptr::eq(*of, error)) || self.is_excused(error) {
                continue;
            }
            let expected = format!("nobody to be blamed but {}", self.case.point);
            let blamed = Violation::new(expected, format!("the stage `{stage}` blames {error}"));
            // Whose thread was not let run for a while has done as little wrong.
            found.push(if error.source.is::<ForcedError>() { blamed.perhaps() } else { blamed });
        }
    }

    fn is_excused(&self, error: &ServiceError) -> bool {
        let culprit = &**self.case.point.service();
        let text = error.source.to_string();
        if self.known.usual.iter().any(|(service, usual)| **service == *error.service_id && *usual == text) {
            // It does so also where nothing else goes wrong; only that a restart then sees to it.
            return true;
        }
        let harmless = matches!(self.case.kind, FaultKind::Slow(_) | FaultKind::Block(_))
            || matches!(self.case.kind, FaultKind::StopRequest(ask, _) if !ask.forces());
        if harmless {
            return false;
        }
        let forces = matches!(self.case.kind, FaultKind::StopRequest(..));
        if let Some(on) = &error.because_of {
            return on == culprit || errors(self.error).iter().any(|(_, other)| other.service_id == *on);
        }
        if let Some(forced) = error.source.downcast_ref::<ForcedError>() {
            return match &forced.hold {
                Hold::Starved { by, .. } => {
                    matches!(self.case.kind, FaultKind::Stick(_)) && by.starts_with(culprit)
                }
                _ => forces || error.service_id == culprit || self.was_asked_last(error),
            };
        }
        if error.source.is::<NoAnswerError>() {
            return forces || error.service_id == culprit;
        }
        // It answered so itself, or panicked; only not before anything had gone wrong.
        self.reported
            .iter()
            .any(|reported| reported.at > self.struck && reported.error.text().as_ref() == text)
    }

    /// Whether it was cut off beside another step of the same service, which is reported: one culprit is told once.
    pub(super) fn is_told_by_other(&self, shown: &ReportedError<'_>) -> bool {
        let other = |error: &ServiceError| {
            error.service_id == **shown.service
                && error.resource.is_none()
                && error.source.is::<ForcedError>()
        };
        shown.outcome == Outcome::Forced && errors(self.error).iter().any(|(_, error)| other(error))
    }

    /// Whether it is a resource that was asked only at the deadline, since those before it took all the time.
    fn was_asked_last(&self, error: &ServiceError) -> bool {
        let Some(name) = &error.resource else { return false };
        let Some(asked) = self.played.history.asked_at() else { return false };
        let released = self.played.history.0.iter().find(|timed| match moment(&timed.event) {
            Some((FaultPoint::Release { service, resource }, Phase::Began)) => {
                *service == *error.service_id && *resource == **name
            }
            _ => false,
        });
        released.is_some_and(|timed| timed.at >= asked + self.known.whole)
    }
}
