//! Where hyper has the streams of a connection run.
//!
//! A call ends itself at its deadline, but only where HTTP/2 asks it for more: one whose peer does not read is
//! not asked. Such a stream is reset from here, [`SLACK`] later, which drops its handler.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::deadline::Deadline;

/// How much later than its deadline: whatever can be answered has been by then.
const SLACK: Duration = Duration::from_millis(20);

thread_local! {
    /// The deadline of the call that the worker was handed last.
    static LATEST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs streams on the worker that has their connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams;

impl Streams {
    /// The next stream that is run is that of a call with this deadline: hyper runs a stream right after it
    /// has handed over its call.
    pub(super) fn announce(deadline: Option<&Deadline>) {
        LATEST.set(deadline.and_then(|deadline| deadline.at.checked_add(SLACK)));
    }
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        match LATEST.take() {
            None => drop(tokio::spawn(stream)),
            Some(at) => drop(tokio::spawn(async move {
                tokio::select! {
                    // First, so that a call that is answered at once needs no timer.
                    biased;
                    () = stream => {}
                    () = sleep_until(at) => {}
                }
            })),
        }
    }
}
