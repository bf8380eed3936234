//! What the program does with each signal: what it was started with, or has said since.
//!
//! Linux tells without unsafe code, in `/proc/self/status`. Elsewhere, and where that cannot be read, every signal counts
//! as one that nobody has said anything about.

use std::fs;

/// What becomes of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// What the system does with it where nobody says otherwise.
    Default,
    Ignored,
    /// The program has a handler.
    Handled,
}

/// The dispositions of all signals: a bit each, the lowest that of signal 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dispositions {
    ignored: u64,
    handled: u64,
}

impl Dispositions {
    pub(crate) fn now() -> Self {
        fs::read_to_string("/proc/self/status").map(|status| Self::read(&status)).unwrap_or_default()
    }

    fn read(status: &str) -> Self {
        let bits = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            u64::from_str_radix(value.trim(), 16).ok()
        };
        Self { ignored: bits("SigIgn:").unwrap_or(0), handled: bits("SigCgt:").unwrap_or(0) }
    }

    pub(crate) fn of(&self, signal: i32) -> Disposition {
        let bit = u32::try_from(signal - 1).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0);
        match (self.ignored & bit != 0, self.handled & bit != 0) {
            (true, _) => Disposition::Ignored,
            (false, true) => Disposition::Handled,
            (false, false) => Disposition::Default,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g12_what_the_program_does_with_a_signal_is_read_from_the_kernel() {
        // As of `nohup`, in the background of a shell, with a handler for SIGUSR1 and SIGTERM.
        let status = "Name:\tmailer\nSigBlk:\t0000000000004000\nSigIgn:\t0000000000000007\nSigCgt:\t0000000180004200\n";
        let found = Dispositions::read(status);
        let of = [1, 2, 3, 10, 15, 9, 64, 65, 0].map(|signal| found.of(signal));
        use Disposition::{Default, Handled, Ignored};
        assert_eq!(of, [Ignored, Ignored, Ignored, Handled, Handled, Default, Default, Default, Default]);
        assert_eq!(Dispositions::read("SigIgn:\tno number\n"), Dispositions::default());
    }
}
