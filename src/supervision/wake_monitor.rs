//! A timer that runs while any thread of a manager is awake, so that one that does not go to sleep is looked at.
//!
//! The first thread that wakes up starts it, the last that goes to sleep stops it: two system calls, and none of it a wake-up. While
//! all threads sleep there is no timer, and so an idle process has none (G14).
//!
//! Source: timerfd_create(2).

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_rt::ArbiterHandle;

use super::awake_threads::AwakeThreads;
use super::watch::Watch;

/// How often to look at threads while one is awake, and what to do then.
pub(crate) struct WakeMonitor {
    every: Duration,
    look: Box<dyn Fn() + Send + Sync>,
    awake: AwakeThreads,
    /// There from the first thread on.
    timer: Mutex<Option<Arc<Timer>>>,
}

impl WakeMonitor {
    pub(crate) fn new(every: Duration, look: impl Fn() + Send + Sync + 'static) -> Self {
        Self { every, look: Box::new(look), awake: AwakeThreads::none(), timer: Mutex::default() }
    }

    /// What has a thread looked at, from `home`.
    ///
    /// # Errors
    /// When there is no timer to be had.
    pub(super) fn watch_over(
        self: &Arc<Self>,
        watch: &Arc<Watch>,
        home: &ArbiterHandle,
    ) -> io::Result<Watched> {
        let mut timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        let timer = match &*timer {
            Some(timer) => Arc::clone(timer),
            None => {
                let made = Arc::new(Timer::new(self.every)?);
                self.look_from(home, &made);
                Arc::clone(timer.insert(made))
            }
        };
        Ok(Watched {
            wake_monitor: Arc::clone(self),
            timer,
            watch: Arc::clone(watch),
            is_awake: AtomicBool::new(false),
        })
    }

    /// Looks at all threads for as long as that one lives.
    fn look_from(self: &Arc<Self>, home: &ArbiterHandle, timer: &Arc<Timer>) {
        let (wake_monitor, timer) = (Arc::clone(self), Arc::clone(timer));
        // Without a timer nobody is looked at, and all else goes on.
        home.spawn(async move { drop(timer.expirations(|| (wake_monitor.look)()).await) });
    }
}

/// A thread that is looked at while it is awake.
pub(super) struct Watched {
    wake_monitor: Arc<WakeMonitor>,
    timer: Arc<Timer>,
    watch: Arc<Watch>,
    /// Only the thread's own business.
    is_awake: AtomicBool,
}

impl Watched {
    /// The thread wakes up.
    pub(super) fn wakes(&self) {
        if !self.is_awake.swap(true, Ordering::Relaxed) {
            self.wake_monitor.awake.wakes(&*self.timer);
        }
    }

    /// The thread comes to rest.
    pub(super) fn rests(&self) {
        self.is_over();
        if self.watch.take_note() {
            (self.wake_monitor.look)();
        }
    }

    /// The thread has nothing more to do.
    pub(super) fn is_over(&self) {
        if self.is_awake.swap(false, Ordering::Relaxed) {
            self.wake_monitor.awake.rests(&*self.timer);
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

    use crate::supervision::awake_threads::Switch;

    const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

    /// A timer of the kernel's, which any thread can stop.
    pub(super) struct Timer {
        fd: OwnedFd,
        every: Timespec,
    }

    impl Switch for Timer {
        fn start(&self) {
            self.set(self.every);
        }

        fn stop(&self) {
            self.set(NEVER);
        }
    }

    impl Timer {
        pub(super) fn new(every: Duration) -> io::Result<Self> {
            let every = Timespec::try_from(every.max(Duration::from_nanos(1))).map_err(io::Error::other)?;
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            Ok(Self { fd: timerfd_create(TimerfdClockId::Monotonic, flags)?, every })
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

    use crate::supervision::awake_threads::Switch;

    pub(super) struct Timer;

    impl Switch for Timer {
        fn start(&self) {}

        fn stop(&self) {}
    }

    impl Timer {
        pub(super) fn new(_: Duration) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn expirations(self: Arc<Self>, _: impl Fn()) -> io::Result<()> {
            std::future::pending().await
        }
    }
}
