//! Which house a pupil belongs to.

use crate::sortinghat::House;

const HOUSES: [House; 4] = [House::Gryffindor, House::Hufflepuff, House::Ravenclaw, House::Slytherin];

/// The house of a name: the same on every machine, in every version, by the FNV-1a hash of its bytes
/// (<https://datatracker.ietf.org/doc/html/rfc9923>).
pub fn house_of(name: &str) -> House {
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    HOUSES[hash as usize % HOUSES.len()]
}
