//! What is to be reached, and whether it is.

use crate::cell::Cell;
use crate::figures::geometric_mean;
use crate::measure::Measured;

/// The contender that the targets are about.
pub(crate) const MAJORDOMO: &str = "majordomo";

/// A figure of majordomo that must be on one side of a bound.
pub(crate) struct Target {
    pub(crate) says: &'static str,
    pub(crate) metric: &'static str,
    pub(crate) against: Against,
    pub(crate) bound: Bound,
    pub(crate) applies: fn(&Cell) -> bool,
}

/// What the figure is taken as a part of.
#[derive(Clone, Copy)]
pub(crate) enum Against {
    /// These; where there are several, each cell counts the one that is hardest to reach.
    Peers(&'static [&'static str]),
    /// Its own in that other cell.
    Cell(fn(&Cell) -> bool),
    /// Nothing: it counts as it is.
    Itself,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
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

impl Target {
    /// The figure that the bound is for; `None` where somebody needed for it did not take part.
    fn figure(&self, measured: &Measured, all: &[Measured]) -> Option<f64> {
        match self.against {
            Against::Itself => Some(measured.rounds(MAJORDOMO, self.metric)?.median()),
            Against::Peers(peers) => {
                let ratios = peers.iter().filter_map(|peer| measured.ratio(MAJORDOMO, peer, self.metric));
                ratios.reduce(|one, other| self.bound.worse(one, other))
            }
            Against::Cell(is) => {
                let base = all.iter().find(|other| is(&other.cell))?;
                let (own, base) =
                    (measured.rounds(MAJORDOMO, self.metric)?, base.rounds(MAJORDOMO, self.metric)?);
                Some(own.over(&base).median())
            }
        }
    }
}

/// Prints each target with the figure of every cell that it is about, those that miss it marked.
pub(crate) fn print(cells: &[Measured], targets: &[Target]) {
    if targets.is_empty() {
        return;
    }
    println!("\nmajordomo against the targets (middle is the geometric mean of the cells)");
    for target in targets {
        let bound = target.bound.text();
        let about = cells.iter().filter(|measured| (target.applies)(&measured.cell));
        let figures: Vec<_> =
            about.filter_map(|measured| Some((&measured.cell, target.figure(measured, cells)?))).collect();
        let worse = |one, other| target.bound.worse(one, other);
        let Some(worst) = figures.iter().map(|&(_, figure)| figure).reduce(worse) else {
            println!("  ----  {} {bound}: not measured", target.says);
            continue;
        };
        let missed: Vec<_> = figures.iter().filter(|&&(_, figure)| !target.bound.holds(figure)).collect();
        let verdict = if missed.is_empty() { "pass" } else { "FAIL" };
        let all: Vec<_> = figures.iter().map(|&(_, figure)| figure).collect();
        println!(
            "  {verdict}  {} {bound}: worst {worst:.3}, middle {:.3}, {} of {} cells",
            target.says,
            geometric_mean(&all),
            figures.len() - missed.len(),
            figures.len()
        );
        for (cell, figure) in missed {
            println!("          missed: {cell}: {figure:.3}");
        }
    }
}
