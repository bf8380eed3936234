//! The handler that a worker's thread is in.
//!
//! A worker writes two numbers as it enters a handler, and one as it leaves: no clock, no call of the system, nothing
//! that another thread writes.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The handler that a worker's thread is in. Written by that thread alone.
#[derive(Debug, Default)]
pub(crate) struct CurrentPoll {
    /// Odd while it is in one; another for each.
    number: AtomicU64,
    /// Which call it is: the number of its server's part of a worker, and where it stands among the open calls there.
    call: AtomicU64,
}

/// By the number of the part above, by the place among its open calls below.
const PART: u32 = 32;

thread_local! {
    /// That of this thread, if it is a worker's.
    static POLL: OnceCell<Arc<CurrentPoll>> = const { OnceCell::new() };
}

impl CurrentPoll {
    /// The current thread is the worker's.
    pub(crate) fn adopt(self: &Arc<Self>) {
        // A thread is one worker in its life.
        let _ = POLL.with(|poll| poll.set(Arc::clone(self)));
    }

    fn advance(&self) {
        self.number.store(self.number.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// The current poll, if there is one: its number, and its call's part and place.
    pub(crate) fn current(&self) -> Option<(u64, usize, usize)> {
        let number = self.number.load(Ordering::Acquire);
        let call = self.call.load(Ordering::Acquire);
        // Another may have begun in between.
        let is_one = number % 2 == 1 && self.number.load(Ordering::Acquire) == number;
        is_one.then_some((number, (call >> PART) as usize, (call & ((1 << PART) - 1)) as usize))
    }
}

/// The current thread enters the handler of a call of that part's, until this is dropped.
pub(crate) struct InHandler;

impl InHandler {
    pub(crate) fn enter(part: usize, entry: usize) -> Self {
        POLL.with(|poll| {
            if let Some(poll) = poll.get() {
                poll.call.store((part as u64) << PART | entry as u64, Ordering::Release);
                poll.advance();
            }
        });
        Self
    }
}

impl Drop for InHandler {
    fn drop(&mut self) {
        POLL.with(|poll| {
            if let Some(poll) = poll.get() {
                poll.advance();
            }
        });
    }
}
