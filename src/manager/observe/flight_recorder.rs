//! The flight recorder: the latest events, kept for whoever asks afterwards.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::events::TimedEvent;

/// Keeps the latest events, up to a number.
#[derive(Debug)]
pub(crate) struct FlightRecorder {
    most: usize,
    /// The latest of them, at least: somebody else may want it.
    events: VecDeque<Arc<TimedEvent>>,
}

impl FlightRecorder {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, events: VecDeque::new() }
    }

    /// Takes an event in, and hands it back for others to share. It takes the oldest one's place in memory, if nobody else
    /// has kept that.
    pub(crate) fn record(&mut self, event: TimedEvent) -> &Arc<TimedEvent> {
        let Some(mut place) = self.make_room() else { return self.push(Arc::new(event)) };
        match Arc::get_mut(&mut place) {
            Some(oldest) => {
                *oldest = event;
                self.push(place)
            }
            None => self.push(Arc::new(event)),
        }
    }

    /// Takes in what others share.
    pub(crate) fn keep(&mut self, event: Arc<TimedEvent>) {
        self.make_room();
        self.push(event);
    }

    /// The oldest goes, where there are as many as may be.
    fn make_room(&mut self) -> Option<Arc<TimedEvent>> {
        if self.events.len() < self.most.max(1) { None } else { self.events.pop_front() }
    }

    fn push(&mut self, event: Arc<TimedEvent>) -> &Arc<TimedEvent> {
        self.events.push_back(event);
        &self.events[self.events.len() - 1]
    }

    /// Oldest first.
    pub(crate) fn events(&self) -> Vec<Arc<TimedEvent>> {
        self.events.iter().take(self.most).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::LifecycleEvent;
    use std::time::Duration;

    fn at(millis: u64) -> TimedEvent {
        TimedEvent { at: Duration::from_millis(millis), event: LifecycleEvent::Running }
    }

    #[test]
    fn the_latest_events_are_kept_and_no_more() {
        for (most, kept) in [(0, vec![]), (1, vec![5]), (3, vec![3, 4, 5]), (9, vec![1, 2, 3, 4, 5])] {
            let mut recorder = FlightRecorder::new(most);
            (1..=5).for_each(|millis| assert_eq!(recorder.record(at(millis)).at.as_millis(), millis.into()));
            let seen: Vec<_> = recorder.events().iter().map(|event| event.at.as_millis()).collect();
            assert_eq!(seen, kept, "{most}");
        }
    }

    #[test]
    fn an_event_that_somebody_keeps_stays_as_it_is() {
        let mut recorder = FlightRecorder::new(1);
        let kept = Arc::clone(recorder.record(at(1)));
        recorder.record(at(2));
        recorder.record(at(3));
        assert_eq!((kept.at.as_millis(), recorder.events()[0].at.as_millis()), (1, 3));
    }
}
