//! The record of a manager's events.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use majordomo::events::{LifecycleEvent, TimedEvent};

/// All that a manager told, in its order.
///
/// Events are spoken of by lines: `setup_started a`, `release_finished a/r1: ok`, `shutdown_requested:
/// StartShutdown`, `running`. A pattern is a line, or its beginning up to a blank or a colon.
#[derive(Default)]
pub(crate) struct Events(Vec<Arc<TimedEvent>>);

impl Events {
    pub(crate) fn push(&mut self, event: Arc<TimedEvent>) {
        self.0.push(event);
    }

    fn matching(&self, pattern: &str) -> Vec<usize> {
        let matches = |timed: &Arc<TimedEvent>| matches(&line(&timed.event), pattern);
        self.0.iter().enumerate().filter(|(_, timed)| matches(timed)).map(|(at, _)| at).collect()
    }

    /// The place of the one event that this describes.
    #[track_caller]
    pub(crate) fn order_of(&self, pattern: &str) -> usize {
        match self.matching(pattern)[..] {
            [at] => at,
            ref all => panic!("expected {pattern:?} once, found it {} times in:\n{self}", all.len()),
        }
    }

    pub(crate) fn count(&self, pattern: &str) -> usize {
        self.matching(pattern).len()
    }

    /// When it happened, since the manager's start.
    #[track_caller]
    pub(crate) fn at(&self, pattern: &str) -> Duration {
        self.0[self.order_of(pattern)].at
    }

    /// How long after the shutdown was requested it happened.
    #[track_caller]
    pub(crate) fn since_asked(&self, pattern: &str) -> Duration {
        self.at(pattern).saturating_sub(self.at("shutdown_requested"))
    }

    #[track_caller]
    pub(crate) fn assert_before(&self, earlier: &str, later: &str) {
        assert!(
            self.order_of(earlier) < self.order_of(later),
            "expected {earlier:?} before {later:?} in:\n{self}"
        );
    }

    #[track_caller]
    pub(crate) fn assert_in_order(&self, patterns: &[&str]) {
        for pair in patterns.windows(2) {
            self.assert_before(pair[0], pair[1]);
        }
    }

    /// Every event that matches the first comes before every event that matches the second.
    #[track_caller]
    pub(crate) fn assert_all_before(&self, earlier: &str, later: &str) {
        let (first, second) = (self.matching(earlier), self.matching(later));
        let (Some(last), Some(next)) = (first.last(), second.first()) else {
            panic!("expected {earlier:?} and {later:?} in:\n{self}");
        };
        assert!(last < next, "expected all {earlier:?} before all {later:?} in:\n{self}");
    }

    #[track_caller]
    pub(crate) fn assert_none(&self, pattern: &str) {
        assert_eq!(self.count(pattern), 0, "expected no {pattern:?} in:\n{self}");
    }
}

impl fmt::Display for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for timed in &self.0 {
            writeln!(f, "{:>6} ms  {}", timed.at.as_millis(), line(&timed.event))?;
        }
        Ok(())
    }
}

fn matches(line: &str, pattern: &str) -> bool {
    line.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ':']))
}

fn line(event: &LifecycleEvent) -> String {
    let value = serde_json::to_value(event).expect("events are plain data");
    let text = |key: &str| value.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let mut line = text("event").expect("events have names");
    if let Some(service) = text("service") {
        line += &format!(" {service}");
    }
    if let Some(resource) = text("resource") {
        line += &format!("/{resource}");
    }
    for key in ["address", "outcome", "cause", "because", "error", "waiting_for", "stall", "by", "on"] {
        if let Some(text) = text(key) {
            line += &format!(": {text}");
        }
    }
    line
}
