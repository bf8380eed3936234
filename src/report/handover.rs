//! Why a process could not hand over to another.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

/// Why nothing was handed over: said by the predecessor, which serves on, or by the successor, which ends.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HandoverError {
    /// An option of [`Handover`](crate::Handover) cannot work.
    #[error("the option {option} of the hand-over is {value}: {mend}")]
    Option {
        /// Which.
        option: &'static str,
        /// What was given.
        value: String,
        /// What to give in its place.
        mend: &'static str,
    },
    /// There is no program to start.
    #[error(
        "no successor was started: the program {program:?} cannot be used ({reason}): put it back, or name another by Handover::program"
    )]
    Program {
        /// As it was given, or as this process was called.
        program: PathBuf,
        /// What is the matter with it.
        reason: String,
    },
    /// The directory to start the program in is gone.
    #[error(
        "no successor was started: its directory {directory:?} cannot be used ({reason}): make it again, or name another by \
         Handover::current_dir"
    )]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What is the matter with it.
        reason: String,
    },
    /// The operating system refused what a hand-over needs.
    #[error("no successor was started: {what} ({source}): raise the limits of the process")]
    Refused {
        /// What was refused.
        what: String,
        /// What the operating system says.
        source: Arc<io::Error>,
    },
    /// More sockets listen than a hand-over takes.
    #[error("{count} sockets listen, more than the {most} that are handed over: serve at fewer addresses")]
    TooManySockets {
        /// How many.
        count: usize,
        /// How many may.
        most: usize,
    },
    /// It ended, or never got as far, before it had asked for the sockets.
    #[error(
        "the successor {end} before it asked for the sockets: is it a program with a manager that has ManagerOptions::handover?"
    )]
    NeverAsked {
        /// How it ended.
        end: SuccessorEnd,
    },
    /// The two do not understand each other.
    #[error(
        "the successor speaks version {successor} of the hand-over, the predecessor version {predecessor}: stop the old process and start \
         the new one, once"
    )]
    Version {
        /// What the successor speaks.
        successor: u32,
        /// What the predecessor speaks.
        predecessor: u32,
    },
    /// It said why it cannot serve.
    #[error("the successor failed before it was in charge: {text}")]
    Failed {
        /// Its last words, escaped and cut.
        text: String,
    },
    /// It ended.
    #[error("the successor {end} {}: its own log says why", when(*.in_charge))]
    Ended {
        /// How.
        end: SuccessorEnd,
        /// Whether it was in charge by then.
        in_charge: bool,
    },
    /// It took too long.
    #[error(
        "the successor was not ready within {limit:?}{}: see what its set-up waits for, or allow more time by Handover::timeout",
        last(doing)
    )]
    TimedOut {
        /// How much time it had.
        limit: Duration,
        /// What it was doing, as far as it said.
        doing: Option<String>,
    },
    /// The hand-over was called off.
    #[error("the hand-over was called off: {reason}")]
    CalledOff {
        /// Why.
        reason: String,
    },
    /// The other side sent what it may not send.
    #[error(
        "the {from} sent what makes no sense in a hand-over ({what}): use the same version of Majordomo in both"
    )]
    Protocol {
        /// `successor` or `predecessor`.
        from: &'static str,
        /// What it sent.
        what: String,
    },
    /// The predecessor went before it had handed over all sockets.
    #[error(
        "the predecessor went after {received} sockets, before it had handed over all: start this process by itself, it has nothing to serve"
    )]
    Incomplete {
        /// How many had come.
        received: usize,
    },
    /// What was handed over could not be taken.
    #[error("the predecessor's sockets could not be taken: {what}: {mend}")]
    Untaken {
        /// What went wrong.
        what: String,
        /// What to do.
        mend: &'static str,
    },
}

/// How a successor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuccessorEnd {
    /// By itself, or by a signal that was not this process's.
    Exited(ExitStatus),
    /// It closed the channel to the predecessor, and was killed.
    Closed,
    /// It did not get on, and was killed.
    Hung,
}

impl std::fmt::Display for SuccessorEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "ended ({status})"),
            Self::Closed => f.write_str("closed its channel and was killed"),
            Self::Hung => f.write_str("took too long and was killed"),
        }
    }
}

fn when(in_charge: bool) -> &'static str {
    if in_charge {
        "after it was in charge, while this process could still take back"
    } else {
        "before it was ready"
    }
}

fn last(doing: &Option<String>) -> String {
    doing.as_ref().map_or_else(String::new, |doing| format!(" (last: {doing})"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::events::{Failure, LifecycleEvent, TimedEvent};
    use crate::lifecycle::{Cause, ErrorStage, Fault, HandoverEnd, Remedy};
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
        let late = HandoverError::TimedOut { limit: Duration::from_secs(1), doing: None };
        let error = (outcome != HandoverEnd::Passed).then(|| Failure::of(fault, late));
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
        assert!(
            event
                .to_string()
                .starts_with("handover_finished: timed_out: the successor was not ready within 1s"),
            "{event}"
        );
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
