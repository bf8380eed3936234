//! A panic of a handler that a layer of ours has caught: handed to the call that runs on this thread, which logs it.

use std::any::Any;
use std::cell::Cell;

use crate::base::PanicError;
use crate::supervision::panics;

/// What callers are told of a panic.
pub(crate) const ANSWER: &str = "the handler panicked";

thread_local! {
    /// A panic of the call that runs on this thread, which a layer of ours has caught and answered.
    static CAUGHT: Cell<Option<Box<PanicError>>> = const { Cell::new(None) };
}

/// Tells the call that runs on this thread of a panic of its handler.
pub(crate) fn set(payload: &(dyn Any + Send)) -> PanicError {
    let panic = panics::latest(payload);
    CAUGHT.set(Some(Box::new(panic.clone())));
    panic
}

/// The panic that was caught last on this thread, once.
pub(crate) fn take() -> Option<Box<PanicError>> {
    CAUGHT.take()
}
