//! The id of a call.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// Random, and with that unique for all that it is used for; no secret. Shown as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallId(u64);

thread_local! {
    /// Where this thread is in its sequence.
    static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(()));
}

impl CallId {
    /// The next of this thread: SplitMix64, which repeats nothing, from a random start.
    pub(crate) fn next() -> Self {
        let state = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        STATE.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(mixed ^ (mixed >> 31))
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_differ_within_a_thread_and_between_threads() {
        let some = || (0..1000).map(|_| CallId::next().to_string()).collect::<Vec<_>>();
        let other = std::thread::spawn(some).join().unwrap();
        let all: HashSet<_> = some().into_iter().chain(other).collect();
        assert_eq!(all.len(), 2000);
        assert!(all.iter().all(|id| id.len() == 16));
    }
}
