//! How a call ends that does not end by itself: its status, and what is counted of that.

use std::any::Any;
use std::sync::atomic::Ordering;

use tonic::Status;

use super::Call;
use crate::base::{EndedBy, drop_quietly};
use crate::grpc::call::call_path::counted_as;
use crate::grpc::call::caught_panic;
use crate::grpc::call::deadline::Deadline;
use crate::supervision::panics;

impl Call {
    /// The status of a call that has run out of time, for one that does not wait: it reads the clock. `has_more`: as for
    /// [`streams`](Self::streams).
    pub(crate) fn out_of_time(&self, has_more: bool) -> Option<Status> {
        if self.connection.worker.off.load(Ordering::Relaxed) {
            return Some(self.call_off());
        }
        if self.connection.worker.streams_are_off.load(Ordering::Relaxed) && self.streams(has_more) {
            return Some(self.end_stream());
        }
        self.deadline.as_deref().copied().filter(Deadline::has_passed).map(|deadline| self.exceeds(deadline))
    }

    /// The status of a call that has reached its deadline.
    pub(crate) fn exceeds(&self, deadline: Deadline) -> Status {
        self.log.ends_by(EndedBy::Deadline);
        deadline.exceeded()
    }

    /// The status of a call that was dropped before it had any.
    pub(super) fn dropped(&self) -> (EndedBy, Status) {
        match self.deadline.as_deref().copied().filter(Deadline::has_passed) {
            Some(deadline) => (EndedBy::Deadline, deadline.exceeded()),
            None if self.connection.is_cut() => {
                (EndedBy::Cut, Status::unavailable("the server cut the connection"))
            }
            None => (EndedBy::Client, Status::cancelled("the client cancelled the call, or went")),
        }
    }

    /// The status of a call that is not waited for any longer, which it counts.
    pub(crate) fn call_off(&self) -> Status {
        self.connection.worker.open.call_off(self.entry);
        let counted = counted_as(&self.method, self.path.as_deref());
        self.connection.worker.count_called_off(counted, self.began.elapsed());
        self.log.ends_by(EndedBy::Drain);
        Status::unavailable("server is shutting down")
    }

    /// The status of a stream that has gone on for as long as it may in a drain, which it counts.
    pub(crate) fn end_stream(&self) -> Status {
        self.connection.worker.streams_ended.fetch_add(1, Ordering::Relaxed);
        self.log.ends_by(EndedBy::Drain);
        Status::unavailable("the server is going away")
    }

    /// The status of a call whose handler panicked.
    pub(crate) fn panicked(&self, payload: Box<dyn Any + Send>) -> Status {
        let panic = panics::latest(&*payload);
        drop_quietly(payload);
        self.log.panicked(self.facts(), &panic);
        Status::internal(caught_panic::ANSWER)
    }
}
