//! How long a request's body may keep its handler waiting.
//!
//! ```text
//!   waited for --nothing comes for body_timeout----------------------------> too slow
//!        |
//!        +-- the server drains --next to nothing comes in a part of that --> too slow
//! ```
//!
//! In a drain a body that drips is one that nobody sends, as an answer that is taken in drips is
//! [left unread](crate::server::connection::unread): both for as long as the drain's
//! [`Patience`](crate::server::drain::Patience) says.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::http::call::Call;

/// Fewer bytes than this in the time are next to nothing.
const LEAST: usize = 1024;

/// What is waited for while a body is.
#[derive(Default)]
pub(crate) struct Silence {
    /// Rings when nothing has come for too long.
    timer: Option<Pin<Box<Sleep>>>,
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// The same in a drain, and what has come since it was set.
    drain: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Silence {
    /// So many bytes have come.
    pub(crate) fn came(&mut self, bytes: usize, call: &Call) {
        if let (Some(timer), Some(limit)) = (&mut self.timer, call.body_timeout()) {
            timer.as_mut().reset(Instant::now() + limit);
        }
        if let Some((_, came)) = &mut self.drain {
            *came += bytes;
        }
    }

    /// Nothing is there. Resolves when that has lasted for too long.
    pub(crate) fn poll(&mut self, call: &Call, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(limit) = call.body_timeout() {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
            if timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        let worker = &call.entry().connection.worker;
        let draining = &mut self.draining;
        let draining = draining.get_or_insert_with(|| Box::pin(worker.draining.clone().cancelled_owned()));
        if self.drain.is_none() {
            ready!(draining.as_mut().poll(cx));
        }
        let Some(patience) = worker.patience().unread else { return Poll::Pending };
        let (timer, came) = self.drain.get_or_insert_with(|| (Box::pin(sleep(patience)), 0));
        loop {
            ready!(timer.as_mut().poll(cx));
            if *came < LEAST {
                return Poll::Ready(());
            }
            *came = 0;
            timer.as_mut().reset(Instant::now() + patience);
        }
    }
}
