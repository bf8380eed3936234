//! Handlers that block workers of a server, as they are told as events: each that began comes to an end, before the
//! manager's own at the latest.

use std::time::Duration;

use crate::events::Name;
use crate::grpc::WorkerStall;

/// Stalls that were reported and are not over, and when each began: at most one a worker.
#[derive(Debug, Default)]
pub(crate) struct WorkerStalls {
    open: Vec<(Name, WorkerStall, Duration)>,
    closed: bool,
}

impl WorkerStalls {
    /// Whether it is to be told: in turn, and not after the end.
    pub(crate) fn take(&mut self, service: &Name, stall: &WorkerStall, now: Duration) -> bool {
        let known = self.open.iter().position(|(of, open, _)| of == service && open.thread == stall.thread);
        match (stall.over, known) {
            (true, Some(at)) => drop(self.open.swap_remove(at)),
            (false, None) if !self.closed => {
                self.open.push((service.clone(), stall.clone(), now.saturating_sub(stall.lasted)))
            }
            _ => return false,
        }
        true
    }

    /// Closes the open stalls as the manager ends, though they go on. None is reported from here on.
    pub(crate) fn close(&mut self, now: Duration) -> Vec<(Name, WorkerStall)> {
        self.closed = true;
        let over = |(service, stall, began)| {
            (service, WorkerStall { lasted: now.saturating_sub(began), over: true, ..stall })
        };
        self.open.drain(..).map(over).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g09_a_worker_that_is_stuck_is_told_once_and_over_before_the_end() {
        let second = Duration::from_secs;
        let stall = |thread: &str, over| WorkerStall {
            method: "/a.B/C".into(),
            thread: thread.into(),
            lasted: second(1),
            over,
        };
        let (of, mut stalls) = (Name::from("web"), WorkerStalls::default());
        assert!(
            stalls.take(&of, &stall("one", false), second(10))
                && stalls.take(&of, &stall("two", false), second(10))
        );
        assert!(!stalls.take(&of, &stall("one", false), second(11)), "told twice");
        assert!(
            stalls.take(&of, &stall("one", true), second(12))
                && !stalls.take(&of, &stall("one", true), second(12))
        );
        let open = stalls.close(second(15));
        assert_eq!(open, [(of.clone(), WorkerStall { lasted: second(6), ..stall("two", true) })]);
        assert!(
            !stalls.take(&of, &stall("one", false), second(16))
                && !stalls.take(&of, &stall("two", true), second(16))
        );
    }
}
