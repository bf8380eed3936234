//! What every run must keep, whatever went wrong in it. Each violation is a sentence: what was expected, what happened.

mod blame;
mod end;
mod order;
#[cfg(test)]
mod tests;
mod violation;

pub(super) use blame::usual;
pub(super) use violation::Violation;

use super::cases::{Case, Known};
use super::run::Played;

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
