//! Which process removes the files of Unix sockets in the end: the last one that serves at them.
//!
//! ```text
//!   predecessor   ours --in charge is said--> the successor's --it went, and this process took back--> ours
//!   successor     the predecessor's --the predecessor has let go, or is gone--> ours
//! ```
//!
//! Between the two moments neither removes a file, so that whoever is left can serve at it. What a successor has bound by itself is its own from
//! the beginning. From the moment on in which a successor gets the sockets, a server that goes leaves its file, too: the successor is to be found there.

use std::sync::atomic::{AtomicBool, Ordering};

/// Who bound a socket that this process serves at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This process.
    Bound,
    /// A process before this one.
    Handed,
}

/// Whether a successor is in charge of all that this process has.
static PASSED_ON: AtomicBool = AtomicBool::new(false);

/// Whether a successor has the sockets of this process.
static LENT: AtomicBool = AtomicBool::new(false);

/// Whether what a predecessor bound is this process's by now.
static LET_GO: AtomicBool = AtomicBool::new(false);

/// Whether this process is to remove such a file.
pub(super) fn is_ours(origin: Origin) -> bool {
    let others_need_it = PASSED_ON.load(Ordering::Acquire) || LENT.load(Ordering::Acquire);
    !others_need_it && (origin == Origin::Bound || LET_GO.load(Ordering::Acquire))
}

/// A successor is in charge: it removes the files in the end.
pub(crate) fn pass_on() {
    PASSED_ON.store(true, Ordering::Release);
}

/// A successor has the sockets, or has them no more.
pub(super) fn lend(lent: bool) {
    LENT.store(lent, Ordering::Release);
}

/// It went, and this process serves again.
pub(crate) fn take_back() {
    PASSED_ON.store(false, Ordering::Release);
}

/// The predecessor has let go of everything, or is gone.
pub(super) fn let_go() {
    LET_GO.store(true, Ordering::Release);
}
