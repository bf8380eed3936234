//! How far a hand-over has come: this process's own to a successor, and that of its predecessor to it.

use super::handover_names::HandoverEnd;

/// What a process knows of the one before it and of the one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Handover {
    pub(super) phase: Phase,
    /// Whether one was asked for that waits for a reload.
    pub(super) due: bool,
    /// Servers that were told to give way, and still have something left.
    pub(super) giving_way: u32,
    /// Whether a predecessor has not released everything yet.
    pub(super) has_predecessor: bool,
    /// Services that wait for that.
    pub(super) waiting: u32,
}

/// The hand-over to a successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Phase {
    #[default]
    None,
    /// The successor comes up. This process serves as ever.
    Starting,
    /// The successor is being ended. What that means is told when it is gone, unless it has been.
    Ending(Option<HandoverEnd>),
    /// The successor is in charge: servers give way.
    GivingWay,
    /// The shutdown of this process has begun.
    Passed,
}

/// What a server does in a hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Yield {
    /// It accepts connections, or does not serve at all.
    #[default]
    None,
    /// It was told to give way, and has connections left.
    Asked,
    /// It has nothing left.
    Done,
}
