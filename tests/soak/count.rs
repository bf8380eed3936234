//! What the process has open.

use std::fmt;
use std::fs;
use std::path::Path;

/// How many file descriptors and threads the process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    descriptors: usize,
    threads: usize,
}

impl Counted {
    pub(crate) fn now() -> Self {
        let entries = |path| fs::read_dir(path).expect("Linux lists them").count();
        Self { descriptors: entries("/proc/self/fd"), threads: entries("/proc/self/task") }
    }

    /// The memory that the process has in use, in KiB.
    pub(crate) fn memory() -> u64 {
        let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is told");
        line.trim().trim_end_matches(" kB").parse().expect("it is a number")
    }

    /// What the process has open, by name.
    pub(crate) fn named() -> String {
        let names = |folder: &str, name: fn(&Path) -> Option<String>| {
            let entries = fs::read_dir(folder).expect("Linux lists them").flatten();
            let mut names: Vec<_> = entries.filter_map(|entry| name(&entry.path())).collect();
            names.sort();
            names.join("\n  ")
        };
        let descriptors =
            names("/proc/self/fd", |path| Some(fs::read_link(path).ok()?.display().to_string()));
        let threads = names("/proc/self/task", |path| {
            Some(fs::read_to_string(path.join("comm")).ok()?.trim().to_owned())
        });
        format!("descriptors:\n  {descriptors}\nthreads:\n  {threads}")
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} file descriptors, {} threads", self.descriptors, self.threads)
    }
}
