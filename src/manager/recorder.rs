//! The flight recorder: the latest events, kept for whoever asks afterwards.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::events::TimedEvent;

/// Keeps the latest events, up to a number.
#[derive(Debug)]
pub(super) struct Recorder {
    most: usize,
    events: VecDeque<Arc<TimedEvent>>,
}

impl Recorder {
    pub(super) fn new(most: usize) -> Self {
        Self { most, events: VecDeque::new() }
    }

    pub(super) fn record(&mut self, event: Arc<TimedEvent>) {
        if self.events.len() >= self.most {
            self.events.pop_front();
        }
        if self.most > 0 {
            self.events.push_back(event);
        }
    }

    /// Oldest first.
    pub(super) fn events(&self) -> Vec<Arc<TimedEvent>> {
        self.events.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::LifecycleEvent;
    use std::time::Duration;

    fn at(millis: u64) -> Arc<TimedEvent> {
        Arc::new(TimedEvent { at: Duration::from_millis(millis), event: LifecycleEvent::Running })
    }

    #[test]
    fn the_latest_events_are_kept_and_no_more() {
        for (most, kept) in [(0, vec![]), (1, vec![5]), (3, vec![3, 4, 5]), (9, vec![1, 2, 3, 4, 5])] {
            let mut recorder = Recorder::new(most);
            (1..=5).for_each(|millis| recorder.record(at(millis)));
            let seen: Vec<_> = recorder.events().iter().map(|event| event.at.as_millis()).collect();
            assert_eq!(seen, kept, "{most}");
        }
    }
}
