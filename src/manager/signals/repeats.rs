//! Signals that come twice although they were meant once.
//!
//! `timeout` signals a process and then its group; a terminal signals a group whose leader passes it on. So of the
//! same signal only one counts within [`APART`], from the one that counted last. SIGINT and SIGTERM are two: whoever
//! sends both means both.

use std::time::{Duration, Instant};

/// How far apart two of the same signal are at least.
const APART: Duration = Duration::from_millis(100);

/// When each signal counted last. Bounded by the signals that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeats(Vec<(i32, Instant)>);

impl Repeats {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether a signal that comes at this time counts.
    pub(crate) fn counts(&mut self, signal: i32, at: Instant) -> bool {
        match self.0.iter_mut().find(|(seen, _)| *seen == signal) {
            Some((_, last)) => {
                let counts = at.saturating_duration_since(*last) >= APART;
                if counts {
                    *last = at;
                }
                counts
            }
            None => {
                self.0.push((signal, at));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g12_two_of_the_same_signal_within_100_ms_are_one() {
        const INT: i32 = 2;
        const TERM: i32 = 15;
        let began = Instant::now();
        let mut repeats = Repeats::new();
        let mut counts = |signal, millis| repeats.counts(signal, began + Duration::from_millis(millis));
        assert!(counts(TERM, 0));
        assert!(!counts(TERM, 1));
        assert!(counts(INT, 1), "another one counts");
        assert!(!counts(TERM, 99));
        assert!(counts(TERM, 100), "counted from the one that counted");
        assert!(!counts(INT, 100));
        assert!(!counts(TERM, 150));
        assert!(counts(INT, 101));
        assert!(counts(TERM, 200));
    }
}
