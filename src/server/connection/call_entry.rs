//! A call among those that are open: on its connection, and in its worker's list.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::server::connection::state::Connection;
use crate::server::open_calls::CallLabel;
use crate::server::worker::current_poll::InHandler;

/// A call that is open until this is dropped.
#[derive(Debug)]
pub(crate) struct CallEntry {
    pub(crate) connection: Arc<Connection>,
    label: Arc<dyn CallLabel>,
    began: Instant,
    /// Whether its connection carries it. Refused ones it does not.
    carried: bool,
    at_work: AtomicBool,
    key: usize,
}

impl CallEntry {
    pub(crate) fn begin(connection: Arc<Connection>, label: Arc<dyn CallLabel>) -> Self {
        let carried = !connection.refuses();
        if carried {
            connection.call_began()
        } else {
            connection.call_arrived()
        };
        let began = Instant::now();
        let key = connection.worker.open.insert(Arc::clone(&label), began);
        Self { connection, label, began, carried, at_work: AtomicBool::new(carried), key }
    }

    /// Whether it is refused, since its connection was told to go away.
    pub(crate) fn comes_late(&self) -> bool {
        !self.carried
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    pub(crate) fn name(&self) -> &str {
        self.label.name()
    }

    /// Its handler has no more to say.
    pub(crate) fn handled(&self) {
        if self.at_work.swap(false, Ordering::Relaxed) {
            self.connection.call_answered();
        }
    }

    /// Runs code of its handler; `Err` is what that panicked with.
    pub(crate) fn run<T>(&self, code: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
        let _in_handler = InHandler::enter(self.connection.worker.number, self.key);
        catch_unwind(AssertUnwindSafe(code))
    }

    /// Cancelled when what may go on for ever is to end.
    pub(crate) fn streams_off(&self) -> &CancellationToken {
        &self.connection.worker.streams_off
    }

    /// It went on for as long as it might in a drain.
    pub(crate) fn count_stream_ended(&self) {
        self.connection.worker.streams_ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Cancelled when it is not waited for any longer.
    pub(crate) fn called_off(&self) -> &CancellationToken {
        &self.connection.worker.called_off
    }

    /// The same, cheap to ask.
    pub(crate) fn is_off(&self) -> bool {
        self.connection.worker.off.load(Ordering::Relaxed)
    }

    /// It is not waited for any longer.
    pub(crate) fn call_off(&self) {
        self.connection.worker.open.call_off(self.key);
        self.connection.worker.count_called_off(self.name(), self.began.elapsed());
    }

    /// The peer has taken so many bytes of its answer.
    pub(crate) fn sent(&self, count: usize) {
        self.connection.sent(count);
    }
}

impl Drop for CallEntry {
    fn drop(&mut self) {
        self.handled();
        self.connection.worker.open.remove(self.key);
        if self.carried {
            self.connection.call_ended();
        }
    }
}
