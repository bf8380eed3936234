//! What the tests of the testing kit share: the message of a helper that fails.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

fn text(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => (*other.downcast::<&str>().expect("a panic with a text")).to_owned(),
    }
}

/// What this panics with.
#[track_caller]
pub fn failure<T>(fails: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(fails)) {
        Ok(_) => panic!("it should have failed"),
        Err(payload) => text(payload),
    }
}

/// What this panics with, while it is awaited.
pub async fn async_failure<T>(fails: impl Future<Output = T>) -> String {
    let mut fails = pin!(fails);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| fails.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(_)) => panic!("it should have failed"),
        Err(payload) => Poll::Ready(text(payload)),
    })
    .await
}

/// Asserts that a message holds all of these.
#[track_caller]
pub fn assert_tells(message: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(message.contains(wanted), "{wanted:?} is not in:\n{message}");
    }
}
