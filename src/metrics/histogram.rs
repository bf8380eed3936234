//! How long calls took, in the buckets that OpenTelemetry's semantic conventions advise for calls and requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of all buckets but the last, which has none; a duration is within its bound when it is equal to it.
pub(super) const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

const MILLI: u64 = 1_000_000;

/// The same, in nanoseconds.
const NANOS: [u64; 14] = [
    5 * MILLI,
    10 * MILLI,
    25 * MILLI,
    50 * MILLI,
    75 * MILLI,
    100 * MILLI,
    250 * MILLI,
    500 * MILLI,
    750 * MILLI,
    1_000 * MILLI,
    2_500 * MILLI,
    5_000 * MILLI,
    7_500 * MILLI,
    10_000 * MILLI,
];

/// Sums are kept in units of so many nanoseconds: as a number of 64 bits one lasts for 37,000 years of calls.
const UNIT: u64 = 64;

/// Counts by bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Totals {
    counts: [u64; 15],
    sum: u64,
}

/// The same, where several threads count.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    counts: [AtomicU64; 15],
    sum: AtomicU64,
}

/// The bucket that it falls into, and what it adds to the sum.
fn place(took: Duration) -> (usize, u64) {
    let nanos = took.as_secs().saturating_mul(1_000 * MILLI).saturating_add(u64::from(took.subsec_nanos()));
    let bucket = NANOS.iter().position(|bound| nanos <= *bound).unwrap_or(NANOS.len());
    (bucket, nanos.saturating_add(UNIT / 2) / UNIT)
}

impl Histogram {
    pub(super) fn add(&self, took: Duration) {
        let (bucket, sum) = place(took);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(sum, Ordering::Relaxed);
    }

    pub(super) fn totals(&self) -> Totals {
        let counts = std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed));
        Totals { counts, sum: self.sum.load(Ordering::Relaxed) }
    }
}

impl Totals {
    pub(super) fn add(&mut self, took: Duration) {
        let (bucket, sum) = place(took);
        self.counts[bucket] += 1;
        self.sum = self.sum.wrapping_add(sum);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.sum = self.sum.wrapping_add(other.sum);
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// In seconds.
    pub(super) fn sum(&self) -> f64 {
        self.sum as f64 * UNIT as f64 / 1e9
    }

    /// The counts of the buckets that lie between those of these bounds, which must be among [`BOUNDS`].
    pub(super) fn buckets(&self, bounds: &[f64]) -> Vec<(f64, u64)> {
        let mut at = 0;
        let mut up_to = |bound: f64| {
            let upper = BOUNDS.iter().position(|known| *known >= bound).map_or(BOUNDS.len(), |last| last);
            let within = &self.counts[at..=upper];
            at = upper + 1;
            within.iter().sum()
        };
        let all = bounds.iter().copied().chain([f64::INFINITY]);
        all.map(|bound| (bound, up_to(bound))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_is_long_enough() {
        let histogram = Histogram::default();
        for nanos in [0, 5 * MILLI, 5 * MILLI + 1, 10_000 * MILLI, 10_000 * MILLI + 1, u64::MAX] {
            histogram.add(Duration::from_nanos(nanos));
        }
        let totals = histogram.totals();
        let buckets = totals.buckets(&BOUNDS);
        assert_eq!((buckets[0], buckets[1], buckets[13]), ((0.005, 2), (0.01, 1), (10.0, 1)));
        assert_eq!((buckets.len(), buckets[14], totals.count()), (15, (f64::INFINITY, 2), 6));
        for (seconds, nanos) in BOUNDS.iter().zip(NANOS) {
            assert_eq!(Duration::from_secs_f64(*seconds), Duration::from_nanos(nanos));
        }
    }

    #[test]
    fn fewer_buckets_hold_what_lies_between_their_bounds() {
        let mut totals = Totals::default();
        for millis in [1, 60, 90, 600, 800, 20_000] {
            totals.add(Duration::from_millis(millis));
        }
        let buckets = totals.buckets(&[0.05, 0.1, 1.0]);
        assert_eq!(buckets, [(0.05, 1), (0.1, 2), (1.0, 2), (f64::INFINITY, 1)]);
        assert!((totals.sum() - 21.551).abs() < 1e-6, "{}", totals.sum());
    }
}
