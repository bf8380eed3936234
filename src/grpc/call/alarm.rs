//! What wakes a call that waits.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;

use crate::grpc::call::call_state::Call;

/// Wakes a call that has run out of time. Costs nothing until the call has to wait for something, and no
/// timer where there is no deadline.
#[derive(Default)]
pub(crate) struct Alarm {
    off: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Of one that streams.
    streams_off: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// The status of a call that has run out of time; if it has not yet, the task is woken when it has. `has_more`: as for
    /// [`Call::streams`].
    pub(crate) fn poll(&mut self, call: &Call, has_more: bool, cx: &mut Context<'_>) -> Poll<Status> {
        let off = self.off.get_or_insert_with(|| Box::pin(call.called_off().clone().cancelled_owned()));
        if off.as_mut().poll(cx).is_ready() {
            return Poll::Ready(call.call_off());
        }
        if call.streams(has_more) {
            let token = call.streams_off();
            let off = self.streams_off.get_or_insert_with(|| Box::pin(token.clone().cancelled_owned()));
            if off.as_mut().poll(cx).is_ready() {
                return Poll::Ready(call.end_stream());
            }
        }
        let Some(deadline) = call.deadline().copied() else { return Poll::Pending };
        let sleep = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(deadline.at)));
        sleep.as_mut().poll(cx).map(|()| call.exceeds(deadline))
    }
}
