//! Handlers that block workers of the gRPC server, as they are told as events: each that began comes to an end, before the
//! manager's own at the latest.

use std::time::Duration;

use crate::events::{LifecycleEvent, Stall};
use crate::grpc::{SERVER_ID, WorkerStall};
use crate::manager::engine::shell::Shell;
use crate::supervision::now;

/// Those that were told and are not over, and when each began. No more than there are workers.
#[derive(Debug, Default)]
pub(crate) struct WorkerStalls {
    open: Vec<(WorkerStall, Duration)>,
    closed: bool,
}

impl WorkerStalls {
    /// Whether it is to be told: in turn, and not after the end.
    fn take(&mut self, stall: &WorkerStall, now: Duration) -> bool {
        let known = self.open.iter().position(|(open, _)| open.thread == stall.thread);
        match (stall.over, known) {
            (true, Some(at)) => drop(self.open.swap_remove(at)),
            (false, None) if !self.closed => {
                self.open.push((stall.clone(), now.saturating_sub(stall.lasted)))
            }
            _ => return false,
        }
        true
    }

    /// Those that are open, to be told as over for the manager, though they go on. No other is told from here on.
    fn close(&mut self, now: Duration) -> Vec<WorkerStall> {
        self.closed = true;
        let over = |(stall, began)| WorkerStall { lasted: now.saturating_sub(began), over: true, ..stall };
        self.open.drain(..).map(over).collect()
    }
}

impl Shell {
    /// A handler blocks its worker, or does not any more.
    pub(crate) fn on_worker_stall(&mut self, stall: WorkerStall) {
        if self.worker_stalls.take(&stall, now()) {
            self.emit_worker_stall(stall, false);
        }
    }

    /// Nobody will look any more.
    pub(crate) fn close_worker_stalls(&mut self) {
        for stall in self.worker_stalls.close(now()) {
            self.emit_worker_stall(stall, true);
        }
    }

    fn emit_worker_stall(&mut self, stall: WorkerStall, goes_on: bool) {
        let WorkerStall { method, thread, lasted, over } = stall;
        let (service, resource, stall) = (SERVER_ID.into(), None, Stall::StuckCall { method, thread });
        self.event_log.emit(match over {
            false => LifecycleEvent::StallStarted { service, resource, stall, lasted },
            true => LifecycleEvent::StallFinished { service, resource, stall, lasted, goes_on },
        });
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
        let mut stalls = WorkerStalls::default();
        assert!(
            stalls.take(&stall("one", false), second(10)) && stalls.take(&stall("two", false), second(10))
        );
        assert!(!stalls.take(&stall("one", false), second(11)), "told twice");
        assert!(
            stalls.take(&stall("one", true), second(12)) && !stalls.take(&stall("one", true), second(12))
        );
        let open = stalls.close(second(15));
        assert_eq!(open, [WorkerStall { lasted: second(6), ..stall("two", true) }]);
        assert!(
            !stalls.take(&stall("one", false), second(16)) && !stalls.take(&stall("two", true), second(16))
        );
    }
}
