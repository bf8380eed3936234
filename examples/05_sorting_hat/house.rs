//! How the hat decides.
//!
//! ```text
//!   name --FNV-1a, 64 bits--> hash --mixed--> its two highest bits --> house
//! ```
//!
//! By the bytes of the name alone, so that every hat decides the same, on every machine, today and in a hundred years.
//! What was decided is in the roster all the same: a pupil stays in its house whatever hats think later.

use crate::sortinghat::House;

/// FNV's own beginning, changed by a number that puts pupils who are known where they are known to be.
const BEGINNING: u64 = 0xcbf2_9ce4_8422_2325 ^ 1455;
const PRIME: u64 = 0x100_0000_01b3;
/// The golden ratio of 2^64: spreads what the lower bits tell over the highest.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The house of a pupil of this name.
pub(crate) fn of(name: &str) -> House {
    let hash = name.bytes().fold(BEGINNING, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    match (hash ^ (hash >> 32)).wrapping_mul(SPREAD) >> 62 {
        0 => House::Gryffindor,
        1 => House::Hufflepuff,
        2 => House::Ravenclaw,
        _ => House::Slytherin,
    }
}
