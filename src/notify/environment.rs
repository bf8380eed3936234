//! What systemd tells a process of notifications: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
//!
//! They are read once in a process, and left as they are: to change the environment is not safe while other threads read it. Children of
//! this process see them, too; systemd listens to the main process alone, unless `NotifyAccess=` says otherwise.

use std::env;
use std::ffi::OsString;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether a manager of this process has them already.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whom to tell, and how often.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where datagrams go: a path, or an abstract address that begins with `@`.
    pub(crate) address: OsString,
    /// Within what time a sign of life is expected, where one is.
    pub(crate) watchdog: Option<Duration>,
}

impl Settings {
    /// Those of this process, for the first who asks: one manager speaks for all.
    pub(crate) fn take() -> Option<Self> {
        let settings = Self::read(|variable| env::var_os(variable), process::id())?;
        (!TAKEN.swap(true, Ordering::Relaxed)).then_some(settings)
    }

    fn read(variable: impl Fn(&str) -> Option<OsString>, process: u32) -> Option<Self> {
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let address = variable("NOTIFY_SOCKET").filter(|address| !address.is_empty())?;
        // Without WATCHDOG_PID it is meant for whoever reads it; with another, or with one that cannot be read, it is not.
        let is_ours = variable("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(process.into());
        let watchdog = number("WATCHDOG_USEC").filter(|usec| is_ours && *usec > 0);
        Some(Self { address, watchdog: watchdog.map(Duration::from_micros) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Option<Settings> {
        let value = |name: &str| Some(variables.iter().find(|(known, _)| *known == name)?.1.into());
        Settings::read(value, 42)
    }

    #[test]
    fn who_was_not_started_by_systemd_tells_nobody() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("NOTIFY_SOCKET", ""), ("WATCHDOG_USEC", "5")]), None);
    }

    #[test]
    fn a_watchdog_counts_where_it_is_meant_for_this_process_and_has_a_time() {
        let watchdog = |pid: Option<&str>, usec: &str| {
            let pid = pid.map(|pid| ("WATCHDOG_PID", pid));
            let all: Vec<_> =
                [("NOTIFY_SOCKET", "@a"), ("WATCHDOG_USEC", usec)].into_iter().chain(pid).collect();
            read(&all).expect("there is a socket").watchdog
        };
        let second = Some(Duration::from_secs(1));
        assert_eq!((watchdog(None, "1000000"), watchdog(Some("42"), "1000000")), (second, second));
        for (pid, usec) in [
            (Some("43"), "1000000"),
            (Some(""), "1000000"),
            (Some("one"), "1000000"),
            (None, "0"),
            (None, "-1"),
            (None, "soon"),
        ] {
            assert_eq!(watchdog(pid, usec), None, "WATCHDOG_PID={pid:?}, WATCHDOG_USEC={usec}");
        }
    }
}
