//! What is to happen at a time: data, not tasks. Whoever keeps these looks at the clock before anything else that it does, so
//! that nothing comes late for standing behind other tasks.
//!
//! Bound: one for each service, a few for each shutdown. Those that have lost their meaning are cancelled.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::inbox::TimerEvent;
use crate::base::clock;

/// Times in order, each with what is to happen then.
#[derive(Debug, Default)]
pub(crate) struct DueTimes {
    /// What is due at the same time happens in the order in which it was added.
    entries: BTreeMap<DueTime, TimerEvent>,
    next: u64,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DueTime {
    at: Instant,
    number: u64,
}

impl DueTimes {
    /// So much later; `None`, and never, where that is beyond all clocks.
    pub(crate) fn after(&mut self, time: Duration, tick: TimerEvent) -> Option<DueTime> {
        clock::now().checked_add(time).map(|at| self.at(at, tick))
    }

    /// At that time, or at once where it has passed.
    pub(crate) fn at(&mut self, at: Instant, tick: TimerEvent) -> DueTime {
        self.next += 1;
        let due = DueTime { at, number: self.next };
        self.entries.insert(due, tick);
        due
    }

    /// It is not to happen. It may have already.
    pub(crate) fn cancel(&mut self, due: DueTime) {
        self.entries.remove(&due);
    }

    /// The time of the first.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|(due, _)| due.at)
    }

    /// The first, if its time has come.
    pub(crate) fn take(&mut self) -> Option<(Instant, TimerEvent)> {
        let first = self.entries.first_entry()?;
        let at = first.key().at;
        (at <= clock::now()).then(|| (at, first.remove()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::Input;

    fn taken(times: &mut DueTimes) -> Vec<Input> {
        let input = |(_, tick)| match tick {
            TimerEvent::Input(input) => input,
            other => panic!("{other:?}"),
        };
        std::iter::from_fn(|| times.take()).map(input).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_due_comes_in_order_of_time_and_then_as_it_was_added() {
        let (mut times, second) = (DueTimes::default(), Duration::from_secs(1));
        assert_eq!(times.first(), None);
        times.after(2 * second, TimerEvent::Input(Input::DeadlineReached));
        times.after(second, TimerEvent::Input(Input::ReserveReached));
        times.after(second, TimerEvent::Input(Input::LastCallOver));
        let cancelled =
            times.after(second, TimerEvent::Input(Input::ForceAsked)).expect("it is within the clock");
        assert_eq!(times.after(Duration::MAX, TimerEvent::Progress), None, "never");
        times.cancel(cancelled);
        assert_eq!(taken(&mut times), []);
        tokio::time::advance(second).await;
        assert_eq!(taken(&mut times), [Input::ReserveReached, Input::LastCallOver]);
        times.cancel(cancelled);
        assert_eq!(times.first(), Some(clock::now() + second));
        tokio::time::advance(second).await;
        assert_eq!(taken(&mut times), [Input::DeadlineReached]);
    }
}
