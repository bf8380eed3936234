//! What a manager at work tells its operations endpoint.

use std::sync::Arc;

use super::running::Running;
use super::shell::Shell;
use crate::events::{EventStream, LifecycleEvent, TimedEvent};
use crate::report::ShutdownReport;

impl Shell {
    /// Has the endpoint accept connections, or not: another process of this program does.
    pub(super) fn open_endpoint(&self, open: bool) {
        if let Some(gate) = &self.endpoint_gate {
            gate.open(open);
        }
    }
}

impl Running {
    /// The first event: where the endpoint answers.
    pub(super) fn tell_of_endpoint(&mut self) {
        for address in self.shell.endpoint.clone() {
            self.shell.event_log.emit(LifecycleEvent::Operations { address });
        }
    }

    /// What has become of all so far.
    pub(super) fn report_so_far(&mut self) -> ShutdownReport {
        self.shell.event_log.report_mut().report().clone()
    }

    /// The latest events, and all that follow: none is missing between them, and none is there twice.
    pub(super) fn follow(&mut self, capacity: usize) -> (Vec<Arc<TimedEvent>>, EventStream) {
        let remembered = self.shell.event_log.recorder().events();
        (remembered, self.shell.event_log.observers().subscribe_of(capacity))
    }
}
