//! Those who are told of what happens.
//!
//! Bounds: 1,024 streams by [`Subscribe`](crate::Subscribe), those that were dropped not counted; who comes later is given one that
//! has ended. What was handed over with the options is not bounded.

use std::sync::Arc;

use crate::events::{self, EventSender, EventStream, TimedEvent};
use crate::manager::engine::askers::is_doubled;

/// How many streams there are at most. Each costs time with every event.
const MOST: usize = 1_024;

/// The observers: each gets every event, in the same order.
pub(crate) struct Observers {
    all: Vec<EventSender>,
    purge_at: usize,
    /// Of those that were handed over before the start.
    given: usize,
}

impl Observers {
    pub(crate) fn new(all: Vec<EventSender>) -> Self {
        Self { given: all.len(), all, purge_at: 0 }
    }

    /// Tells one more, from now on.
    pub(crate) fn add(&mut self, observer: EventSender) {
        is_doubled(&mut self.all, &mut self.purge_at, |observer| !observer.is_closed());
        self.all.push(observer);
    }

    /// A stream of what happens from now on.
    pub(crate) fn subscribe(&mut self) -> EventStream {
        self.join(events::channel())
    }

    /// The same, in which so many events may wait.
    pub(crate) fn subscribe_of(&mut self, capacity: usize) -> EventStream {
        self.join(events::channel_of(capacity))
    }

    fn join(&mut self, (sender, stream): (EventSender, EventStream)) -> EventStream {
        if self.all.len() >= self.given + MOST {
            self.all.retain(|observer| !observer.is_closed());
        }
        if self.all.len() < self.given + MOST {
            self.add(sender);
        }
        stream
    }

    pub(crate) fn tell(&mut self, event: &Arc<TimedEvent>) {
        // An observer that has gone needs no more telling.
        self.all.retain(|observer| observer.send(event));
    }

    /// Drops all observers.
    pub(crate) fn close(&mut self) {
        self.all.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g16_streams_that_were_dropped_are_forgotten_without_an_event() {
        let mut observers = Observers::new(Vec::new());
        (0..100_000).for_each(|_| drop(observers.subscribe()));
        assert!(observers.all.len() <= 65, "{}", observers.all.len());
    }

    #[test]
    fn g16_who_subscribes_when_there_are_too_many_is_given_a_stream_that_has_ended() {
        let mut observers = Observers::new(Vec::new());
        let mut streams: Vec<_> = (0..=MOST).map(|_| observers.subscribe()).collect();
        let ended = |stream: &mut EventStream| futures_util::FutureExt::now_or_never(stream.recv()).is_some();
        assert!(ended(&mut streams[MOST]) && !ended(&mut streams[MOST - 1]));
        drop(streams.remove(0));
        assert!(!ended(&mut observers.subscribe()), "there is room again");
    }
}
