//! For how long an object has been as it is, by the clock of who looks at it.
//!
//! ```text
//!   holder:  sends a write |---------- ttl, less its margin: has stopped ----|
//!   API:          done |
//!   another:            sees it |-------------- as long as it lasts ----------| may take it, if it is still that version
//! ```

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The versions that were seen last, one of each lease that the program asks for.
#[derive(Debug, Default)]
pub(crate) struct Observed(HashMap<String, Seen>);

#[derive(Debug)]
struct Seen {
    version: String,
    since: Instant,
}

impl Observed {
    /// That this version of a lease was read by `now`, and for how long it has been the latest at least.
    pub(crate) fn note(&mut self, lease: &str, version: &str, now: Instant) -> Duration {
        match self.0.get(lease) {
            Some(seen) if seen.version == version => now.saturating_duration_since(seen.since),
            _ => {
                self.0.insert(lease.to_owned(), Seen { version: version.to_owned(), since: now });
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g25_a_version_counts_from_when_it_was_seen_first_and_any_other_begins_anew() {
        let (mut observed, begin) = (Observed::default(), Instant::now());
        let seconds = |count| Duration::from_secs(count);
        assert_eq!(observed.note("a", "1", begin), seconds(0));
        assert_eq!(observed.note("a", "1", begin + seconds(9)), seconds(9));
        assert_eq!(observed.note("b", "1", begin + seconds(9)), seconds(0));
        assert_eq!(observed.note("a", "2", begin + seconds(10)), seconds(0));
        // Also an old one that comes back: nobody knows what was in between.
        assert_eq!(observed.note("a", "1", begin + seconds(11)), seconds(0));
        assert_eq!(observed.note("a", "1", begin + seconds(12)), seconds(1));
    }
}
