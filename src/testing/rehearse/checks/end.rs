//! The end: in time, answered to everybody, with nothing left open.

use std::time::Duration;

use super::violation::Violation;
use crate::events::LifecycleEvent;
use crate::report::StageError;
use crate::testing::rehearse::cases::Known;
use crate::testing::rehearse::run::{Answered, Played};

/// G8: how much later than the deadline the answer may come.
const LATENESS: Duration = Duration::from_millis(100);

pub(super) fn violations(known: &Known, played: &Played) -> Vec<Violation> {
    let mut found = Vec::new();
    if played.ended.is_none() {
        let limit = known.whole;
        let happened = "WaitForShutdown was not answered, though it was asked from the start";
        found.push(Violation::new(format!("an end within {limit:?} of the shutdown's begin"), happened));
        return found;
    }
    if let Some(took) = played.took.filter(|&took| took > known.whole + LATENESS) {
        let expected = format!("an end within {:?} and 100 ms of the shutdown's begin", known.whole);
        found.push(Violation::new(expected, format!("it took {took:?}")).perhaps());
    }
    answers(played, &mut found);
    for address in &played.open_addresses {
        let happened = "something is still there after it";
        found.push(Violation::new(format!("{address} to be given back with the end"), happened).perhaps());
    }
    found
}

/// G13
fn answers(played: &Played, found: &mut Vec<Violation>) {
    let text = |answered: &Answered| match answered {
        None => "no answer".to_owned(),
        Some(Ok(())) => "Ok".to_owned(),
        Some(Err(error)) => error.to_string(),
    };
    if text(&played.ended) != text(&played.ended_again) {
        let expected =
            format!("WaitForShutdown to be answered after the end as before it: {}", text(&played.ended));
        found.push(Violation::new(expected, format!("the answer was: {}", text(&played.ended_again))));
    }
    for (answered, when) in [(&played.ran, "before"), (&played.ran_again, "after")] {
        if answered.is_none() {
            let expected = format!("WaitUntilRunning, asked {when} the end, to be answered");
            found.push(Violation::new(expected, "it was not"));
        }
    }
    if let Some(Ok(())) = played.ran_again {
        let expected = "WaitUntilRunning to be answered with an error after the end";
        found.push(Violation::new(expected, "the answer was Ok"));
    }
    let ran = played.history.first(|event| matches!(event, LifecycleEvent::Running)).is_some();
    if matches!(played.ran, Some(Ok(()))) && !ran {
        found.push(Violation::new("WaitUntilRunning to be answered Ok once all run", "they never did"));
    }
    if let Some(Err(error)) = &played.ended
        && matches!(error.run(), Some(StageError::Gone(_)))
    {
        found.push(Violation::new("a manager that outlives its services", format!("it was gone: {error}")));
    }
}
