//! How far a service is from its lease.
//!
//! ```text
//!   Unchecked --> Checking --> Free
//!
//!   Free --> Sought --> Held --> Lost --> Expired
//!    ^          |         |        |         |
//!    |          v         v        v         v
//!    '------ Returning <--- nothing is left of the life      or Left, where something of it may still run
//!    ^          |
//!    '-- Out <--'  where it was given away by an order
//! ```

use super::names::ServiceIx;

/// The lease of a service, of which each life needs its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Lease {
    /// The service needs none.
    #[default]
    Unneeded,
    /// It is not known whether its store can be used.
    Unchecked,
    /// Its store is asked for that. Before the manager has begun, nothing begins until all have answered.
    Checking,
    /// It has none, and asks for none.
    Free,
    /// It was given away by an order, and none is asked for until others have had their chance.
    Out,
    /// It asks for one, and stands by.
    Sought,
    /// It has one, and lives.
    Held,
    /// It is told to stop, as the lease is about to end.
    Lost,
    /// The lease is over: what is left of the life is cut.
    Expired,
    /// It is being given back.
    Returning,
    /// It was not given back, since something of the life may still run. No other life begins.
    Left,
}

/// How many leases there are of some kinds, so that nobody has to go through them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Leases {
    /// Those that are sought: their services stand by.
    pub(super) standing_by: u32,
    /// Those whose stores are asked whether they can be used.
    pub(super) checking: u32,
    /// The first whose store cannot, before anything began.
    pub(super) refused: Option<ServiceIx>,
    /// Those that the end waits for.
    pub(super) open: u32,
}

impl Lease {
    pub(super) fn needed(leased: bool) -> Self {
        if leased { Lease::Unchecked } else { Lease::Unneeded }
    }

    /// Whether the end waits until it is given back.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Lease::Sought | Lease::Held | Lease::Lost | Lease::Expired | Lease::Returning)
    }

    /// Whether a life has it, or had it.
    pub(super) fn is_taken(self) -> bool {
        matches!(self, Lease::Held | Lease::Lost | Lease::Expired)
    }

    /// Whether the place of its service may become free.
    pub(super) fn is_settled(self) -> bool {
        matches!(self, Lease::Unneeded | Lease::Free)
    }
}
