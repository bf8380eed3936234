//! The clock of polls: real also where a test has paused time, as to block a thread takes real time.
//!
//! Each poll takes a stamp, by a clock that is kept by the kernel's tick and costs a fifth of a fine one. So a stamp is some milliseconds old at
//! most ([`resolution`]); who looks at a poll counts it from the latest moment at which it can have begun.
//!
//! Source: clock_gettime(2), `CLOCK_MONOTONIC` and `CLOCK_MONOTONIC_COARSE`. By the C library, which knows where there is no vDSO to
//! ask, as under valgrind.

use std::time::Duration;

/// Now, in nanoseconds, or a moment ago.
#[inline]
pub(super) fn stamp() -> u64 {
    clock::stamp()
}

/// How old a stamp may be.
pub(super) fn resolution() -> Duration {
    clock::resolution()
}

/// Now.
pub(crate) fn now() -> Duration {
    clock::now()
}

#[cfg(target_os = "linux")]
mod clock {
    use std::sync::OnceLock;
    use std::time::Duration;

    use nix::time::{ClockId, clock_getres, clock_gettime};

    const COARSE: ClockId = ClockId::CLOCK_MONOTONIC_COARSE;

    // They fail for clocks that there are none of.

    #[inline]
    pub(super) fn stamp() -> u64 {
        clock_gettime(COARSE).map_or(0, |now| now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
    }

    pub(super) fn resolution() -> Duration {
        static RESOLUTION: OnceLock<Duration> = OnceLock::new();
        *RESOLUTION.get_or_init(|| clock_getres(COARSE).map_or(Duration::ZERO, Duration::from))
    }

    pub(super) fn now() -> Duration {
        clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
    }
}

/// Elsewhere there is but the fine one.
#[cfg(not(target_os = "linux"))]
mod clock {
    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    pub(super) fn stamp() -> u64 {
        now().as_nanos() as u64
    }

    pub(super) fn resolution() -> Duration {
        Duration::ZERO
    }

    pub(super) fn now() -> Duration {
        static BASE: OnceLock<Instant> = OnceLock::new();
        BASE.get_or_init(Instant::now).elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g09_a_stamp_is_never_ahead_and_no_older_than_it_may_be() {
        for _ in 0..10_000 {
            let before = now();
            let stamp = Duration::from_nanos(stamp());
            assert!(stamp <= now(), "{stamp:?}");
            // A machine may be late with its tick.
            assert!(
                before.saturating_sub(stamp) <= resolution() + Duration::from_secs(1),
                "{stamp:?}, {before:?}"
            );
        }
    }
}
