//! What must hold of both.

use super::process::{Being, Process};
use super::{Both, Who};

pub(super) const BOTH_HOLD: &str = "both hold what exists once";
pub(super) const NOBODY_SERVES: &str = "nobody serves, though nothing took the last that did";
pub(super) const BOTH_WAIT: &str = "both live, and nothing goes on";
pub(super) const HALF_RUNS: &str = "one is left, and does not run everything";

impl Both {
    /// Whether somebody accepts connections, or has, and will again.
    pub(super) fn serves(&self) -> bool {
        let gone = self.new.as_ref().is_none_or(|new| !new.serves_on());
        let old = self.old.serves_on() && (!self.old.gave_way || gone);
        let left_alone = self.old.being == Being::Killed;
        old || self.new.as_ref().is_some_and(|new| new.serves_on() && (new.has_accepted || left_alone))
    }

    /// What must hold in every state.
    pub(super) fn breaks(&self) -> Option<&'static str> {
        let both_hold = self.old.holds() && self.new.as_ref().is_some_and(Process::holds);
        if both_hold {
            return Some(BOTH_HOLD);
        }
        (!self.serves() && !self.excused).then_some(NOBODY_SERVES)
    }

    /// What must hold when nothing is left to happen.
    pub(super) fn ends_badly(&self) -> Option<&'static str> {
        let (old, new) = (self.alive(Who::Old), self.alive(Who::New));
        match (old, new) {
            (Some(_), Some(_)) => Some(BOTH_WAIT),
            (Some(one), None) | (None, Some(one)) if !one.runs_everything() => Some(HALF_RUNS),
            (None, None) if !self.excused => Some(NOBODY_SERVES),
            _ => None,
        }
    }
}
