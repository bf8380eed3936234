//! What an incarnation tells of its actor.

use super::next_life::NextLife;
use crate::base::PanicError;

/// What the launcher of an incarnation is told, on the actor's thread.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A handler or a spawned task panicked, no request is to blame, and the actor lives.
    Panicked(Box<PanicError>),
    /// The actor rests, its tasks and its pending replies are gone: it may be restarted.
    Suspended(Gone),
    /// The actor, its tasks and its pending replies are gone. Told once, as the last.
    Gone(Gone),
}

/// How an actor went.
#[derive(Debug)]
pub(crate) enum Gone {
    Ended,
    Panicked(Box<PanicError>),
    Dismissed,
}

/// Told of an actor, and answers with its next life, where it rests and is to begin that at once.
pub(crate) type Observer = Box<dyn Fn(Notice) -> Option<NextLife> + Send>;
