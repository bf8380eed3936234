//! Handlers that block workers of the gRPC server, as events.

use super::shell::Shell;
use crate::events::{LifecycleEvent, Stall};
use crate::grpc::{SERVER_ID, WorkerStall};
use crate::supervision::now;

impl Shell {
    /// A handler blocks its worker, or does not any more.
    pub(crate) fn on_worker_stall(&mut self, stall: WorkerStall) {
        if self.worker_stalls.take(&stall, now()) {
            self.emit_worker_stall(stall, false);
        }
    }

    /// Ends the watchdog.
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
