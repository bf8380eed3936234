//! How many connections may wait to be accepted.

/// At each listener. The system may have a lower limit.
pub(super) const BACKLOG: u16 = 1024;
