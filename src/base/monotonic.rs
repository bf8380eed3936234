//! The kernel's monotonic clock, which systemd reads, too: it goes on where a test has paused time, as to block a thread takes real time.
//!
//! Each poll of an actor takes a stamp. So it is read as it comes, with nothing around it; by the C library, which knows where there is no vDSO to
//! ask, as under valgrind. The coarse clock of the kernel would cost half as much, but lags by more than it says where a machine is late with its
//! tick: then a poll would be told to have begun before what caused it.
//!
//! Source: clock_gettime(2), `CLOCK_MONOTONIC`.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Now, in nanoseconds.
#[inline]
pub(crate) fn stamp() -> u64 {
    // It fails for clocks that there are none of.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC);
    now.map_or(0, |now| now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
}

/// Now.
pub(crate) fn now() -> Duration {
    Duration::from_nanos(stamp())
}
