//! How a helper of the kit fails: what was expected, what happened, and the latest events.

use std::fmt;
use std::sync::Arc;

use crate::events::TimedEvent;

/// How many events a message tells at most.
const LATEST: usize = 40;

/// The message of a helper that fails.
#[derive(Debug)]
pub(super) struct Failing {
    pub(super) expected: String,
    pub(super) happened: String,
    pub(super) events: Vec<Arc<TimedEvent>>,
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected: {}\nhappened: {}", self.expected, self.happened)?;
        let left_out = self.events.len().saturating_sub(LATEST);
        match (self.events.is_empty(), left_out) {
            (true, _) => write!(f, "\nno events are known")?,
            (false, 0) => write!(f, "\nlatest events:")?,
            (false, _) => write!(f, "\nlatest events ({left_out} before them are left out):")?,
        }
        for event in &self.events[left_out..] {
            write!(f, "\n  {event}")?;
        }
        Ok(())
    }
}
