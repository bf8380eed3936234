//! Live, ready, started: for whoever restarts a program, sends it requests, or waits for it.
//!
//! | probe | 200 |
//! |---|---|
//! | live | as long as the manager answers, also while it drains |
//! | ready | exactly while health `""` is SERVING |
//! | started | once all have run, from then on |

use http::{Response, StatusCode};
use tokio::time::timeout;

use super::answer::{self, Body, TEXT};
use super::bounds::PROBE_TIME;
use super::health::Health;
use super::managed::Managed;
use crate::events::Name;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    Live,
    Ready,
    Started,
}

/// Answers `ok`, or who is not and what it is doing; `verbose` tells of all.
pub(super) async fn answer(
    probe: Probe,
    verbose: bool,
    managed: &dyn Managed,
    health: &Health,
) -> Response<Body> {
    let passes = match probe {
        Probe::Live => matches!(timeout(PROBE_TIME, managed.presence()).await, Ok(Some(()))),
        Probe::Ready => health.is_serving(),
        Probe::Started => health.has_run(),
    };
    let lines = match (probe, passes) {
        (_, true) if !verbose => Vec::new(),
        (Probe::Live, false) => vec!["the manager does not answer\n".to_owned()],
        _ => {
            let states = timeout(PROBE_TIME, managed.states()).await.ok().flatten();
            lines(&states.unwrap_or_default(), |id| verbose || health.is_missing(id))
        }
    };
    let status = if passes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let ok = if passes { "ok\n" } else { "" };
    answer::whole(status, TEXT, ok.to_owned() + &lines.concat())
}

/// A line for each that is told of; for all, where there would be none.
fn lines(states: &[(Name, String)], is_told: impl Fn(&str) -> bool) -> Vec<String> {
    let line = |(id, state): &(Name, String)| format!("{id}: {}\n", state.replace('\n', " "));
    let some: Vec<_> = states.iter().filter(|(id, _)| is_told(id)).map(line).collect();
    if !some.is_empty() {
        return some;
    }
    match states.is_empty() {
        true => vec!["the manager has not told what its services do\n".to_owned()],
        false => states.iter().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g22_each_that_is_not_ready_has_a_line_and_there_is_always_one() {
        let states =
            [("a".into(), "running for 1.0 s".to_owned()), ("b".into(), "setup error: no\nroute".to_owned())];
        assert_eq!(lines(&states, |id| id == "b"), ["b: setup error: no route\n"]);
        assert_eq!(lines(&states, |_| false).len(), 2);
        assert_eq!(lines(&[], |_| true).len(), 1);
    }
}
