//! The clock that goes on while the machine sleeps, and a timer of it: a lease ends whether anybody is awake or not.
//!
//! Source: clock_gettime(2), `CLOCK_BOOTTIME`; timerfd_create(2).

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
/// There is none that all have: here it stands still while the machine sleeps.
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

/// Now.
pub(crate) fn now() -> Duration {
    // It fails for clocks that there are none of.
    clock_gettime(CLOCK).map_or(Duration::ZERO, Duration::from)
}

#[cfg(target_os = "linux")]
pub(crate) use linux::BootTimer;

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::Cell;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::net::unix::pipe::Receiver;

    const ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

    /// Goes off at a time of that clock; at once, where the machine wakes up behind it.
    pub(crate) struct BootTimer {
        fd: OwnedFd,
        expirations: Receiver,
        /// For when it is set, until it has gone off.
        set: Cell<Option<Option<Duration>>>,
    }

    impl BootTimer {
        /// Within a runtime.
        ///
        /// # Errors
        /// When there is no timer to be had.
        pub(crate) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Boottime, flags)?;
            // It is read as a pipe is: eight bytes when it has gone off.
            let expirations = Receiver::from_owned_fd_unchecked(fd.try_clone()?)?;
            Ok(Self { fd, expirations, set: Cell::new(None) })
        }

        /// Resolves at that time; never, where there is none.
        pub(crate) async fn at(&self, due: Option<Duration>) {
            if self.set.replace(Some(due)) != Some(due) {
                self.set_to(due);
            }
            loop {
                if self.expirations.readable().await.is_err() {
                    std::future::pending::<()>().await;
                }
                if self.expirations.try_read(&mut [0; 8]).is_ok() {
                    self.set.set(None);
                    return;
                }
            }
        }

        fn set_to(&self, due: Option<Duration>) {
            // A time of zero would stop it.
            let at =
                due.map_or(ONCE, |due| Timespec::try_from(due.max(Duration::from_nanos(1))).unwrap_or(ONCE));
            let spec = Itimerspec { it_interval: ONCE, it_value: at };
            let _ = timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &spec);
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::BootTimer;

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::time::Duration;

    /// Goes off at a time of that clock.
    pub(crate) struct BootTimer;

    impl BootTimer {
        /// Within a runtime.
        ///
        /// # Errors
        /// None.
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        /// Resolves at that time; never, where there is none.
        pub(crate) async fn at(&self, due: Option<Duration>) {
            match due {
                Some(due) => tokio::time::sleep(due.saturating_sub(super::now())).await,
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_timer_goes_off_at_its_time_and_at_once_when_that_is_past() {
        let timer = BootTimer::new().unwrap();
        let due = now() + Duration::from_millis(20);
        timer.at(Some(due)).await;
        assert!(now() >= due);
        timer.at(Some(Duration::ZERO)).await;
    }

    #[tokio::test]
    async fn the_timer_goes_off_again_for_the_same_time_and_whenever_it_is_waited_for() {
        let timer = BootTimer::new().unwrap();
        for _ in 0..2 {
            timer.at(Some(Duration::ZERO)).await;
        }
        let due = now() + Duration::from_millis(20);
        for other in [Some(due), Some(due), None, Some(due + Duration::from_secs(3600)), Some(due)] {
            let mut given_up = std::pin::pin!(timer.at(other));
            std::future::poll_fn(|context| {
                std::task::Poll::Ready(given_up.as_mut().poll(context).is_ready())
            })
            .await;
        }
        timer.at(Some(due)).await;
        assert!(now() >= due);
    }

    #[test]
    fn the_clock_is_never_behind_the_one_that_stands_still_in_sleep() {
        let awake = crate::base::monotonic::now();
        assert!(now() >= awake);
    }
}
