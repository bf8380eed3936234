//! When each lease is to be seen to, so that of a thousand only those are looked at that are due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::lifecycle::ServiceIx;

#[derive(Default)]
pub(super) struct Agenda {
    order: BTreeSet<(Duration, ServiceIx)>,
    of: BTreeMap<ServiceIx, Duration>,
}

impl Agenda {
    /// One is to be seen to then, and at no other time.
    pub(super) fn set(&mut self, ix: ServiceIx, at: Option<Duration>) {
        let before = match at {
            Some(at) => self.of.insert(ix, at),
            None => self.of.remove(&ix),
        };
        if before != at {
            before.map(|before| self.order.remove(&(before, ix)));
            at.map(|at| self.order.insert((at, ix)));
        }
    }

    pub(super) fn first(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    /// All that are to be seen to until then, the earliest first.
    pub(super) fn until(&self, end: Duration) -> Vec<ServiceIx> {
        self.order.iter().take_while(|(at, _)| *at <= end).map(|(_, ix)| *ix).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once_and_at_its_last_time() {
        let second = |seconds| Some(Duration::from_secs(seconds));
        let [one, two, three] = [0, 1, 2].map(ServiceIx);
        let mut agenda = Agenda::default();
        assert_eq!(agenda.first(), None);
        agenda.set(one, second(5));
        agenda.set(two, second(3));
        agenda.set(three, second(4));
        agenda.set(two, second(9));
        agenda.set(three, None);
        assert_eq!(agenda.first(), second(5));
        assert_eq!(agenda.until(Duration::from_secs(4)), []);
        assert_eq!(agenda.until(Duration::from_secs(9)), [one, two]);
    }
}
