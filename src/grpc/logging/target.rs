//! What all events and spans of this module have in common.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::base::drop_quietly;

/// What our events and spans are known by.
pub(crate) const TARGET: &str = "majordomo::grpc";

/// Runs what must not cost a call anything: a subscriber is the user's code, and so is an error's text.
pub(crate) fn quietly(log: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(log)) {
        drop_quietly(payload);
    }
}
