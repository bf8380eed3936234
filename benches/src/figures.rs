//! Several runs, told in few figures.
//!
//! Runs are made in rounds: in each, every contender has its turn once. What disturbs the machine for longer
//! than a turn disturbs all contenders of a round alike, so contenders are compared within rounds: a ratio
//! here is the median of the rounds' ratios, not the ratio of two medians.

use serde::Serialize;

/// One figure of each round, in the order of the rounds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(pub(crate) Vec<f64>);

impl Rounds {
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => sorted[count / 2],
            count => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
        }
    }

    pub(crate) fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Round by round, as parts of the other's.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, theirs)| own / theirs).collect())
    }
}

/// What the middle of many ratios is.
pub(crate) fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

/// A figure of one contender in one cell, as data.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) bench: &'static str,
    pub(crate) contender: &'static str,
    pub(crate) params: serde_json::Map<String, serde_json::Value>,
    pub(crate) metric: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) runs: usize,
    /// The median of the rounds' ratios to the contender that is named first.
    /// Nothing where that one, or the figure that would be divided by, is none.
    pub(crate) ratio_to_first: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_or_between_the_two() {
        assert_eq!(Rounds(vec![3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(Rounds(vec![4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert!(Rounds::default().median().is_nan());
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        // The machine was half as fast in the second round.
        let (own, theirs) = (Rounds(vec![300.0, 150.0]), Rounds(vec![200.0, 100.0]));
        assert_eq!(own.over(&theirs).0, [1.5, 1.5]);
    }

    #[test]
    fn the_geometric_mean_takes_half_and_double_alike() {
        assert!((geometric_mean(&[0.5, 2.0]) - 1.0).abs() < 1e-9);
    }
}
