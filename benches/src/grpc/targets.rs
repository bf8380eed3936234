//! What is to be reached, and whether it is.

use super::cells::Cell;
use super::measure::{Measured, Metric};
use crate::figures::geometric_mean;
use crate::servers::MAJORDOMO;

/// A ratio of majordomo to the best of its peers that must be on one side of a bound.
pub(super) struct Target {
    pub(super) says: &'static str,
    pub(super) metric: Metric,
    /// Where there are several, each cell counts the one that is hardest to reach.
    pub(super) peers: &'static [&'static str],
    pub(super) bound: Bound,
    pub(super) applies: fn(&Cell) -> bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(bound) => ratio >= bound,
            Self::AtMost(bound) => ratio <= bound,
        }
    }

    /// The one that is further from being reached.
    fn worse(self, one: f64, other: f64) -> f64 {
        match self {
            Self::AtLeast(_) => one.min(other),
            Self::AtMost(_) => one.max(other),
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(bound) => format!(">= {bound}"),
            Self::AtMost(bound) => format!("<= {bound}"),
        }
    }
}

/// Prints each target with the ratio of every cell that it is about, those that miss it marked.
pub(super) fn print(cells: &[Measured], targets: &[Target]) {
    println!("\nmajordomo against the targets (middle is the geometric mean of the cells)");
    for target in targets {
        let worse = |one, other| target.bound.worse(one, other);
        let ratio = |cell: &Measured| {
            let ratios =
                target.peers.iter().filter_map(|peer| cell.ratio(MAJORDOMO.name, peer, target.metric));
            ratios.reduce(worse)
        };
        let about = cells.iter().filter(|measured| (target.applies)(&measured.cell));
        let ratios: Vec<_> = about.filter_map(|measured| Some((measured.cell, ratio(measured)?))).collect();
        let bound = target.bound.text();
        let Some(worst) = ratios.iter().map(|&(_, ratio)| ratio).reduce(worse) else {
            println!("  ----  {} {bound}: not measured", target.says);
            continue;
        };
        let missed: Vec<_> = ratios.iter().filter(|&&(_, ratio)| !target.bound.holds(ratio)).collect();
        let verdict = if missed.is_empty() { "pass" } else { "FAIL" };
        let all: Vec<_> = ratios.iter().map(|&(_, ratio)| ratio).collect();
        println!(
            "  {verdict}  {} {bound}: worst {worst:.2}, middle {:.2}, {} of {} cells",
            target.says,
            geometric_mean(&all),
            ratios.len() - missed.len(),
            ratios.len()
        );
        for (cell, ratio) in missed {
            println!("          missed: {cell}: {ratio:.2}");
        }
    }
}
