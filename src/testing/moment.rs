//! An event in its place in a record.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::record::Record;
use crate::events::{LifecycleEvent, TimedEvent};

/// An event of a [`Recorder`](super::Recorder), and its place among all others there.
#[derive(Clone)]
pub struct Moment {
    record: Arc<Record>,
    place: usize,
    event: Arc<TimedEvent>,
}

impl Moment {
    pub(super) fn new(record: Arc<Record>, place: usize, event: Arc<TimedEvent>) -> Self {
        Self { record, place, event }
    }

    /// What happened.
    pub fn event(&self) -> &LifecycleEvent {
        &self.event.event
    }

    /// When, since the manager's start.
    pub fn at(&self) -> Duration {
        self.event.at
    }

    /// How many events of the record came before it.
    pub fn place(&self) -> usize {
        self.place
    }

    /// Asserts that this came before the other. May be chained.
    ///
    /// # Panics
    /// When it did not, or they are of different records.
    #[track_caller]
    pub fn before(&self, later: &Self) -> &Self {
        assert!(
            Arc::ptr_eq(&self.record, &later.record),
            "{:?} and {:?} are of different records, which tell nothing of each other's times",
            self.event.event.to_string(),
            later.event.event.to_string()
        );
        if self.place >= later.place {
            let expected = format!("\"{}\" before \"{}\"", self.event.event, later.event.event);
            self.record.fail(expected, format!("{later}, and then {self}"));
        }
        self
    }

    /// Asserts that this came after the other. May be chained.
    ///
    /// # Panics
    /// As [`before`](Self::before) does.
    #[track_caller]
    pub fn after(&self, earlier: &Self) -> &Self {
        earlier.before(self);
        self
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Moment({self})")
    }
}

impl fmt::Display for Moment {
    /// `"running" at 1.2 s`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" at {}", self.event.event, crate::base::seconds(self.event.at))
    }
}
