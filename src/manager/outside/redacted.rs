//! What is shown of failures: their texts as the program would have them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::events::{Failure, TimedEvent};
use crate::manager::api::status::ManagerStatus;
use crate::operations::Redact;
use crate::report::ShutdownReport;

/// What stands in the place of a text that could not be redacted: never the text.
const PANICKED: &str = "(redact panicked)";

/// Changes the texts of failures, where that is wanted.
#[derive(Clone)]
pub(super) struct Redacted(Option<Redact>);

impl Redacted {
    pub(super) fn new(redact: Option<Redact>) -> Self {
        // A panic in code of the program's must not take the endpoint along.
        let guarded = |redact: Redact| -> Redact {
            Arc::new(move |text| {
                catch_unwind(AssertUnwindSafe(|| redact(text))).unwrap_or_else(|_| PANICKED.to_owned())
            })
        };
        Self(redact.map(guarded))
    }

    pub(super) fn text(&self, text: &str) -> String {
        self.0.as_ref().map_or_else(|| text.to_owned(), |redact| redact(text))
    }

    /// `None`: it is as it was.
    pub(super) fn event(&self, event: &TimedEvent) -> Option<TimedEvent> {
        event.redacted(self.0.as_deref()?)
    }

    pub(super) fn status(&self, mut status: ManagerStatus) -> ManagerStatus {
        let Some(redact) = self.0.as_deref() else { return status };
        for service in &mut status.services {
            redact_end(&mut service.state, &mut service.failure, redact);
            if let Some(failure) = &mut service.restart.last_failure {
                *failure = redact(failure);
            }
            let error = service.lease.as_mut().and_then(|lease| lease.error.as_mut());
            error.into_iter().for_each(|error| *error = redact(error));
            for resource in &mut service.resources {
                redact_end(&mut resource.state, &mut resource.failure, redact);
            }
            if let Some(nested) = service.nested.take() {
                service.nested = Some(Box::new(self.status(*nested)));
            }
        }
        if let Some(handover) = &mut status.handover {
            let doing = handover.successor.as_mut().and_then(|successor| successor.doing.as_mut());
            for text in handover.failure.iter_mut().chain(doing) {
                *text = redact(text);
            }
        }
        self.history(&mut status.history);
        status.report = status.report.map(|report| self.report(report));
        status
    }

    pub(super) fn report(&self, mut report: ShutdownReport) -> ShutdownReport {
        let Some(redact) = self.0.as_deref() else { return report };
        let change = |failure: &mut Failure| *failure = failure.redacted(redact);
        for service in &mut report.services {
            let steps = [&mut service.register, &mut service.setup, &mut service.run, &mut service.shutdown];
            steps.into_iter().flatten().filter_map(|step| step.why.as_mut()).for_each(change);
            service.failures.iter_mut().for_each(change);
            service.resources.iter_mut().filter_map(|resource| resource.why.as_mut()).for_each(change);
            for failure in service.latest_restarts.iter_mut().filter_map(|restart| restart.failure.as_mut()) {
                *failure = redact(failure).into();
            }
        }
        self.history(&mut report.history);
        report
    }

    fn history(&self, history: &mut [Arc<TimedEvent>]) {
        for event in history {
            if let Some(redacted) = self.event(event) {
                *event = Arc::new(redacted);
            }
        }
    }
}

/// A state ends with the text of its failure, where it tells one.
fn redact_end(state: &mut String, failure: &mut Option<String>, redact: &dyn Fn(&str) -> String) {
    let Some(failure) = failure else { return };
    let redacted = redact(failure);
    if let Some(kept) = state.strip_suffix(failure.as_str()) {
        *state = format!("{kept}{redacted}");
    }
    *failure = redacted;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_state_the_text_of_the_failure_is_redacted_and_nothing_else() {
        for (text, failure, wanted) in [
            ("running for 1.0 s", None, "running for 1.0 s"),
            ("setup error: no route: x", Some("no route: x"), "setup error: ..."),
            ("restarting: run panic: no error: x", Some("no error: x"), "restarting: run panic: ..."),
            ("over: over: x", Some("over: x"), "over: ..."),
        ] {
            let (mut state, mut failure) = (text.to_owned(), failure.map(str::to_owned));
            redact_end(&mut state, &mut failure, &|_| "...".to_owned());
            assert_eq!(state, wanted);
            assert!(failure.is_none_or(|failure| failure == "..."));
        }
    }

    #[test]
    fn what_cannot_be_redacted_is_not_shown() {
        let redacted = Redacted::new(Some(Arc::new(|_| panic!("rehearsed"))));
        assert_eq!(redacted.text("secret"), PANICKED);
        assert_eq!(Redacted::new(None).text("plain"), "plain");
    }
}
