//! Something that a run did not keep, as a sentence.

use std::fmt;

/// Something that a run did not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    expected: String,
    happened: String,
    /// Whether, in real time, a machine that is busy with something else may be to blame.
    pub(crate) may_be_chance: bool,
}

impl Violation {
    pub(super) fn new(expected: impl Into<String>, happened: impl Into<String>) -> Self {
        Self { expected: expected.into(), happened: happened.into(), may_be_chance: false }
    }

    pub(super) fn perhaps(self) -> Self {
        Self { may_be_chance: true, ..self }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}; but {}", self.expected, self.happened)
    }
}
