//! Asking a manager from a test, without the test's event loop.
//!
//! A manager lives on a thread of its own that nobody's code delays, so the asker may block its own thread for the moment that
//! the answer takes. Only a manager on the asker's very thread could not answer: that is found out before it is asked.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use actix::Addr;

use crate::manager::{Manager, RunOnManager, is_on_this_thread};

/// How long an answer is waited for.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks the thread until the future is ready, or the time is up.
pub(super) fn block_on<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    // The task that is blocked has no say in how often this is polled.
    let mut future = pin!(tokio::task::unconstrained(future));
    let began = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = limit.checked_sub(began.elapsed()).filter(|left| !left.is_zero())?;
        thread::park_timeout(left);
    }
}

/// Has a manager answer a question on its own thread.
pub(super) fn try_ask<T: Send + 'static>(
    manager: &Addr<Manager>,
    question: impl FnOnce(&mut Manager) -> T + Send + 'static,
) -> Result<T, String> {
    if is_on_this_thread(manager) {
        return Err("the manager lives on this very thread, and cannot answer while it is blocked: start it by \
                    Manager::start, which gives it a thread of its own, or send it GetStatus and await the answer"
            .to_owned());
    }
    match block_on(manager.send(RunOnManager::new(question)), ANSWER) {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(_)) => Err("the manager is gone: its actix system was stopped".to_owned()),
        None => Err(format!("there was none within {ANSWER:?}: something blocks the manager's thread")),
    }
}

/// [`try_ask`], where nothing can be done without an answer.
#[track_caller]
pub(super) fn ask<T: Send + 'static>(
    manager: &Addr<Manager>,
    question: impl FnOnce(&mut Manager) -> T + Send + 'static,
) -> T {
    match try_ask(manager, question) {
        Ok(answer) => answer,
        Err(why) => panic!("expected: an answer of the manager\nhappened: {why}"),
    }
}
