//! How soon, and how often, a service that fails is started again.

use std::collections::VecDeque;
use std::time::Duration;

/// The delays before restarts: each twice as long as the one before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
    /// Which share of a delay is random.
    pub(crate) jitter: f64,
}

impl Backoff {
    /// The delay after so many failures in a row, the first being number 0. `random` is from 0 to 1.
    pub(crate) fn delay(&self, failures: u32, random: f64) -> Duration {
        let times = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        let delay = self.first.saturating_mul(times).min(self.most);
        // Up to the whole share sooner or later, so that those who failed together do not all come back together.
        let factor = 1.0 + self.jitter * (2.0 * random - 1.0);
        Duration::try_from_secs_f64(delay.as_secs_f64() * factor).unwrap_or(self.most).min(self.most)
    }
}

/// How many restarts there were within a period that moves with time. OTP: intensity and period.
#[derive(Debug, Clone)]
pub(crate) struct Intensity {
    /// How many are remembered; `None`: none needs to be.
    most: Option<u32>,
    within: Duration,
    taken: VecDeque<Duration>,
}

impl Intensity {
    pub(crate) fn new(most: Option<u32>, within: Duration) -> Self {
        Self { most, within, taken: VecDeque::new() }
    }

    /// There is another, now.
    pub(crate) fn take(&mut self, now: Duration) {
        self.forget(now);
        if self.most.is_some() {
            self.taken.push_back(now);
        }
    }

    /// How many there were within the period that ends now.
    pub(crate) fn used(&mut self, now: Duration) -> u32 {
        self.forget(now);
        self.taken.len() as u32
    }

    /// When the oldest of them leaves the period.
    pub(crate) fn resets_at(&mut self, now: Duration) -> Option<Duration> {
        self.forget(now);
        self.taken.front().map(|&oldest| oldest.saturating_add(self.within))
    }

    fn forget(&mut self, now: Duration) {
        while self.taken.front().is_some_and(|&oldest| now.saturating_sub(oldest) >= self.within) {
            self.taken.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(rules_alone)]
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn delays_double_up_to_the_most() {
        let backoff = Backoff { first: 100 * MS, most: 1000 * MS, jitter: 0.0 };
        let delays =
            [0, 1, 2, 3, 4, 31, 32, u32::MAX].map(|failures| backoff.delay(failures, 0.7).as_millis());
        assert_eq!(delays, [100, 200, 400, 800, 1000, 1000, 1000, 1000]);
        assert_eq!(Backoff { first: Duration::ZERO, ..backoff }.delay(40, 0.5), Duration::ZERO);
    }

    #[test]
    fn jitter_is_a_share_of_the_delay_on_either_side_and_never_beyond_the_most() {
        let backoff = Backoff { first: 100 * MS, most: 1000 * MS, jitter: 0.2 };
        assert_eq!([0.0, 0.5, 1.0].map(|random| backoff.delay(0, random).as_millis()), [80, 100, 120]);
        assert_eq!(backoff.delay(9, 1.0), 1000 * MS);
    }

    #[cfg(rules_alone)]
    proptest! {
        #[test]
        fn an_intensity_counts_what_a_list_would(steps in prop::collection::vec((0..50_u64, any::<bool>()), 0..200)) {
            let (mut intensity, mut all, mut now) = (Intensity::new(Some(5), 100 * MS), Vec::new(), Duration::ZERO);
            for (later, take) in steps {
                now += Duration::from_millis(later);
                if take {
                    intensity.take(now);
                    all.push(now);
                }
                let recent: Vec<Duration> = all.iter().copied().filter(|&at| now - at < 100 * MS).collect();
                prop_assert_eq!(intensity.used(now) as usize, recent.len());
                prop_assert_eq!(intensity.resets_at(now), recent.first().map(|&at| at + 100 * MS));
            }
        }
    }
}
