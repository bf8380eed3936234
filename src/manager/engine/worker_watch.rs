//! Handlers that block workers of a server, as events.

use super::shell::Shell;
use crate::base::monotonic::now;
use crate::events::{LifecycleEvent, Name, Stall};
use crate::grpc::WorkerStall;

impl Shell {
    /// A handler blocks a worker of that service, or does not any more.
    pub(crate) fn on_worker_stall(&mut self, service: Name, stall: WorkerStall) {
        if self.worker_stalls.take(&service, &stall, now()) {
            self.emit_worker_stall(service, stall, false);
        }
    }

    /// Ends the watchdog.
    pub(crate) fn close_worker_stalls(&mut self) {
        for (service, stall) in self.worker_stalls.close(now()) {
            self.emit_worker_stall(service, stall, true);
        }
    }

    fn emit_worker_stall(&mut self, service: Name, stall: WorkerStall, goes_on: bool) {
        let WorkerStall { method, thread, lasted, over } = stall;
        let (resource, stall) = (None, Stall::StuckCall { method, thread });
        self.event_log.emit(match over {
            false => LifecycleEvent::StallStarted { service, resource, stall, lasted },
            true => LifecycleEvent::StallFinished { service, resource, stall, lasted, goes_on },
        });
    }
}
