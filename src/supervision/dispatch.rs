//! Whose log events and spans are those of a thread.
//!
//! A thread of ours sees the dispatcher of its manager from its first to its last instruction, and so does every
//! task on it, whoever spawned it. Threads that users start themselves, tokio's for blocking tasks among them,
//! see the global one, as always.

use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::subscriber::NoSubscriber;

/// What is current on this thread, to be handed on to another.
pub(crate) fn current() -> Dispatch {
    dispatcher::get_default(Clone::clone)
}

/// Makes it this thread's own for as long as the guard lives. `None` where it is none: then the global one, which
/// may yet be set, stays visible.
#[must_use]
pub(crate) fn adopt(dispatch: &Dispatch) -> Option<DefaultGuard> {
    listens(dispatch).then(|| dispatcher::set_default(dispatch))
}

/// Whether there is anybody to hear.
pub(super) fn listens(dispatch: &Dispatch) -> bool {
    !dispatch.is::<NoSubscriber>()
}
