//! What a service waits for that is not of its process.

use std::fmt;

/// What a service waits for before it is set up, that is not of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitsFor {
    /// The process before this one, which has not released everything yet:
    /// [`ServiceSpec::after_handover`](crate::ServiceSpec::after_handover).
    Predecessor,
    /// Its lease, which another replica may have: [`ServiceSpec::only_with`](crate::ServiceSpec::only_with).
    Lease,
}

impl WaitsFor {
    /// Its name in events and logs.
    pub fn name(self) -> &'static str {
        match self {
            WaitsFor::Predecessor => "predecessor",
            WaitsFor::Lease => "lease",
        }
    }
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
