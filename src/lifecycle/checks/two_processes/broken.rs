//! Rules that are broken deliberately: of the machine, and of the shell that the model stands for.

use super::super::super::io::Command;
use super::judge::{BOTH_HOLD, BOTH_WAIT, HALF_RUNS, NOBODY_SERVES};

/// A rule that is broken deliberately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The successor is put in charge when it is started.
    PassesOnBeforeReady,
    /// What is to wait for the predecessor starts at once.
    StartsAtOnce,
    /// The server does not accept again when the successor is gone.
    ForgetsToResume,
    /// The successor does not hear that its predecessor is gone, unless it is told.
    WaitsForEver,
    /// The successor takes the channel's end for that of its predecessor, without a look at it.
    BelievesTheChannel,
    /// A successor that cannot be heard any more is taken for dead, and lives.
    TakesTheSilentForDead,
    /// A successor that cannot be heard any more is ended although nobody else serves.
    EndsWhoServesAlone,
    /// The predecessor gives way for good without a look whether the successor lives.
    DoesNotLook,
    /// The successor is told that all is released when it is put in charge.
    TellsReleasedTooEarly,
}

impl Fault {
    /// Each, and as what it is found.
    pub(super) const ALL: [(Fault, &'static str); 9] = [
        (Fault::PassesOnBeforeReady, NOBODY_SERVES),
        (Fault::StartsAtOnce, BOTH_HOLD),
        (Fault::ForgetsToResume, HALF_RUNS),
        (Fault::WaitsForEver, HALF_RUNS),
        (Fault::BelievesTheChannel, BOTH_HOLD),
        (Fault::TakesTheSilentForDead, BOTH_WAIT),
        (Fault::EndsWhoServesAlone, NOBODY_SERVES),
        (Fault::DoesNotLook, NOBODY_SERVES),
        (Fault::TellsReleasedTooEarly, BOTH_HOLD),
    ];
}

/// Whether a process carries out a command.
pub(super) fn heeds(fault: Option<Fault>, command: &Command) -> bool {
    !(fault == Some(Fault::ForgetsToResume) && matches!(command, Command::Resume(_)))
}
