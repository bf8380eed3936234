//! What wakes a request that has run out of time.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::http::call::Call;
use crate::http::refusal::Refusal;

/// What wakes a request that waits.
#[derive(Default)]
pub(crate) struct Alarm {
    off: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Resolves when the request has run out of time.
    pub(crate) fn poll(&mut self, call: &Call, cx: &mut Context<'_>) -> Poll<Refusal> {
        let off =
            self.off.get_or_insert_with(|| Box::pin(call.entry().called_off().clone().cancelled_owned()));
        if off.as_mut().poll(cx).is_ready() {
            call.entry().call_off();
            return Poll::Ready(Refusal::GoingAway);
        }
        let Some(deadline) = call.deadline() else { return Poll::Pending };
        let sleep = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        sleep.as_mut().poll(cx).map(|()| call.exceeded())
    }
}
