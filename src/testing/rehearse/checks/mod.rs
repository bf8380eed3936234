//! What every run must keep, whatever went wrong in it. Each violation is a sentence: what was expected, what happened.

mod blame;
mod end;
mod order;
#[cfg(test)]
mod tests;

use std::fmt;

pub(super) use blame::usual;

use super::cases::{Case, Known};
use super::run::Played;

/// Something that a run did not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    expected: String,
    happened: String,
    /// Whether, in real time, a machine that is busy with something else may be to blame.
    pub(super) may_be_chance: bool,
}

impl Violation {
    fn new(expected: impl Into<String>, happened: impl Into<String>) -> Self {
        Self { expected: expected.into(), happened: happened.into(), may_be_chance: false }
    }

    fn perhaps(self) -> Self {
        Self { may_be_chance: true, ..self }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}; but {}", self.expected, self.happened)
    }
}

/// What a run did not keep.
pub(super) fn violations(case: Option<&Case>, known: &Known, played: &Played) -> Vec<Violation> {
    let mut found = end::violations(known, played);
    if played.ended.is_none() {
        // What comes to no end has no report to be judged.
        return found;
    }
    found.extend(order::violations(case, known, &played.history));
    found.extend(blame::violations(case, known, played));
    found
}
