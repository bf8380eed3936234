//! Drops values of users without letting a panic of theirs out.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

/// Drops a value of a user. A panic of its drop is caught, and told to nobody.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| drop(value))) {
        discard(payload);
    }
}

/// Drops the payload of a panic, whose own drop may panic as well.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}
