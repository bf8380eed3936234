//! Why a hand-over came to nothing, where nothing more is known of it.

use crate::lifecycle::HandoverEnd;

/// A hand-over to a successor came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandoverError {
    /// The successor ended before it was ready.
    #[error(
        "the successor ended before all of its services ran, and this process serves on: its log says why it ended"
    )]
    Failed,
    /// The successor was not ready in time.
    #[error(
        "not all services of the successor ran in time, so it was ended, and this process serves on: its log says which was late"
    )]
    TimedOut,
    /// The successor ended after it was ready, and before this process had given way.
    #[error(
        "the successor ended soon after it had taken over, and this process serves again: its log says why it ended"
    )]
    TakenBack,
    /// The shutdown came first.
    #[error("the shutdown came before the successor was ready, so both end: start the program again")]
    CalledOff,
}

impl HandoverError {
    /// What a hand-over that ends so lacks.
    pub(crate) fn of(end: HandoverEnd) -> Option<Self> {
        match end {
            HandoverEnd::Passed => None,
            HandoverEnd::Failed => Some(Self::Failed),
            HandoverEnd::TimedOut => Some(Self::TimedOut),
            HandoverEnd::TakenBack => Some(Self::TakenBack),
            HandoverEnd::CalledOff => Some(Self::CalledOff),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::events::{Failure, LifecycleEvent, TimedEvent};
    use crate::lifecycle::{Cause, ErrorStage, Fault, Remedy};
    use crate::report::ReportBuilder;

    const ENDS: [HandoverEnd; 5] = [
        HandoverEnd::Passed,
        HandoverEnd::Failed,
        HandoverEnd::TimedOut,
        HandoverEnd::TakenBack,
        HandoverEnd::CalledOff,
    ];

    fn finished(outcome: HandoverEnd) -> LifecycleEvent {
        let fault = Fault { stage: ErrorStage::Run, remedy: Remedy::Other };
        let error = HandoverError::of(outcome).map(|error| Failure::of(fault, error));
        LifecycleEvent::HandoverFinished { outcome, took: Duration::from_millis(1_500), error }
    }

    #[test]
    fn g24_a_hand_over_is_no_error_of_the_manager_and_the_report_says_whether_another_serves_on() {
        for end in ENDS {
            let mut builder = ReportBuilder::new([]);
            let cause = Cause::Handover;
            let told =
                [LifecycleEvent::HandoverStarted, finished(end), LifecycleEvent::ShutdownRequested { cause }];
            for event in told.into_iter().chain([LifecycleEvent::Stopped]) {
                builder.record(&TimedEvent { at: Duration::ZERO, event });
            }
            assert!(builder.result().is_ok(), "{end}");
            assert_eq!(builder.report().handed_over, end == HandoverEnd::Passed, "{end}");
        }
        let json = serde_json::to_value(ReportBuilder::new([]).report()).unwrap();
        assert!(json.get("handed_over").is_none(), "who has not handed over says nothing of it: {json}");
    }

    #[test]
    fn g24_a_hand_over_that_came_to_nothing_says_why_in_words_and_on_the_wire() {
        let event = finished(HandoverEnd::TimedOut);
        let json = serde_json::to_value(&event).unwrap();
        let (name, outcome, took) = (&json["event"], &json["outcome"], &json["took_ms"]);
        assert_eq!((name, outcome, took), (&"handover_finished".into(), &"timed_out".into(), &1_500.into()));
        assert!(event.to_string().starts_with("handover_finished: timed_out: not all services"), "{event}");
        assert_eq!(LifecycleEvent::HandoverStarted.to_string(), "handover_started");
        let failure = event.failure().expect("it says why");
        assert!(failure.is_mended() && failure.source().is::<HandoverError>());
        let timed = TimedEvent { at: Duration::ZERO, event };
        let redacted = timed.redacted(&|_| "-".to_owned()).expect("it may tell a secret");
        assert_eq!(redacted.event.to_string(), "handover_finished: timed_out: -");
        assert_eq!(finished(HandoverEnd::Passed).to_string(), "handover_finished: passed");
    }

    #[test]
    fn g24_a_hand_over_that_failed_is_a_warning_and_one_that_ends_well_or_with_all_is_none() {
        use crate::events::Severity::{Info, Warning};
        let levels = ENDS.map(|end| finished(end).severity());
        assert_eq!(levels, [Info, Warning, Warning, Warning, Info]);
    }
}
