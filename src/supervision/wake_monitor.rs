//! A timer that runs while a thread is awake, so that a thread that does not go to sleep is looked at.
//!
//! The thread itself starts it when it wakes up and stops it before it goes to sleep: two system calls each time, and none of
//! it a wake-up. A thread that sleeps has no timer, and so an idle process has none (G14).
//!
//! Source: timerfd_create(2).

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::ArbiterHandle;
use tokio_util::sync::CancellationToken;

use super::watch::Watch;

/// How often to look at a thread that is awake, and what to do then.
pub(crate) struct WakeMonitor {
    every: Duration,
    look: Box<dyn Fn() + Send + Sync>,
}

impl WakeMonitor {
    pub(crate) fn new(every: Duration, look: impl Fn() + Send + Sync + 'static) -> Self {
        Self { every, look: Box::new(look) }
    }

    /// What has a thread looked at.
    ///
    /// # Errors
    /// When there is no timer to be had.
    pub(super) fn watch_over(self: &Arc<Self>, watch: &Arc<Watch>) -> io::Result<Watched> {
        let timer = Arc::new(Timer::new(self.every)?);
        Ok(Watched { wake_monitor: Arc::clone(self), timer, watch: Arc::clone(watch) })
    }
}

/// A thread that is looked at while it is awake.
pub(super) struct Watched {
    wake_monitor: Arc<WakeMonitor>,
    timer: Arc<Timer>,
    watch: Arc<Watch>,
}

impl Watched {
    /// Looks at it, from `home`, until it is over.
    pub(super) fn look_from(&self, home: &ArbiterHandle, over: CancellationToken) {
        let (wake_monitor, timer) = (Arc::clone(&self.wake_monitor), Arc::clone(&self.timer));
        home.spawn(async move {
            tokio::select! {
                () = over.cancelled() => {}
                // Without a timer nobody is looked at, and all else goes on.
                _ = timer.expirations(|| (wake_monitor.look)()) => {}
            }
        });
    }

    /// The thread wakes up.
    pub(super) fn wakes(&self) {
        self.timer.start();
    }

    /// The thread comes to rest.
    pub(super) fn rests(&self) {
        self.timer.stop();
        if self.watch.take_note() {
            (self.wake_monitor.look)();
        }
    }
}

impl fmt::Debug for WakeMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakeMonitor").field("every", &self.every).finish_non_exhaustive()
    }
}

#[cfg(target_os = "linux")]
use linux::Timer;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::sync::Arc;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::net::unix::pipe::Receiver;

    const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

    /// A timer of the kernel's, which any thread can stop.
    pub(super) struct Timer {
        fd: OwnedFd,
        every: Timespec,
    }

    impl Timer {
        pub(super) fn new(every: Duration) -> io::Result<Self> {
            let every = Timespec::try_from(every.max(Duration::from_nanos(1))).map_err(io::Error::other)?;
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            Ok(Self { fd: timerfd_create(TimerfdClockId::Monotonic, flags)?, every })
        }

        pub(super) fn start(&self) {
            self.set(self.every);
        }

        pub(super) fn stop(&self) {
            self.set(NEVER);
        }

        fn set(&self, every: Timespec) {
            let spec = Itimerspec { it_interval: every, it_value: every };
            // It fails only for times that are none, which these are not.
            let _ = timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &spec);
        }

        /// Calls that each time that it goes off.
        pub(super) async fn expirations(self: Arc<Self>, went_off: impl Fn()) -> io::Result<()> {
            // It is read as a pipe is: eight bytes when it has gone off, and an error for later where it has been stopped
            // meanwhile.
            let timer = Receiver::from_owned_fd_unchecked(self.fd.try_clone()?)?;
            loop {
                timer.readable().await?;
                match timer.try_read(&mut [0; 8]) {
                    Ok(_) => went_off(),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
use elsewhere::Timer;

/// There is no such timer: nobody is looked at but those who sleep.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::sync::Arc;
    use std::time::Duration;

    pub(super) struct Timer;

    impl Timer {
        pub(super) fn new(_: Duration) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn start(&self) {}

        pub(super) fn stop(&self) {}

        pub(super) async fn expirations(self: Arc<Self>, _: impl Fn()) -> io::Result<()> {
            std::future::pending().await
        }
    }
}
