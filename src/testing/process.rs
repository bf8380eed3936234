//! What the operating system tells of this process: its threads and file descriptors. On Linux, by `/proc`.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

/// A thread, told apart from a later one of the same name by its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Thread {
    number: u64,
    name: String,
}

/// A file descriptor, told apart from a later one of the same number by what it is open for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Descriptor {
    number: u64,
    target: String,
}

/// What the process has.
#[derive(Debug, Clone, Default)]
pub(super) struct Process {
    threads: BTreeSet<Thread>,
    descriptors: BTreeSet<Descriptor>,
}

impl Process {
    /// What it has now; `None` where the system does not tell.
    pub(super) fn now() -> Option<Self> {
        let threads = numbered("/proc/self/task", |path| {
            Some(fs::read_to_string(path.join("comm")).ok()?.trim_end().to_owned())
        })?;
        let descriptors =
            numbered("/proc/self/fd", |path| Some(fs::read_link(path).ok()?.display().to_string()))?;
        // The reader of the list has it open.
        let listing = |target: &str| target.starts_with("/proc/") && target.ends_with("/fd");
        Some(Self {
            threads: threads.into_iter().map(|(number, name)| Thread { number, name }).collect(),
            descriptors: descriptors
                .into_iter()
                .filter(|(_, target)| !listing(target))
                .map(|(number, target)| Descriptor { number, target })
                .collect(),
        })
    }

    pub(super) fn threads_beside<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Thread> {
        // One that has since been renamed is the same.
        let known = |thread: &Thread| before.threads.iter().any(|other| other.number == thread.number);
        self.threads.iter().filter(move |thread| !known(thread))
    }

    pub(super) fn descriptors_beside<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Descriptor> {
        self.descriptors.difference(&before.descriptors)
    }
}

/// The entries of a folder that are called by numbers, and what is read of each; what has gone meanwhile is left out.
fn numbered(folder: &str, read: impl Fn(&Path) -> Option<String>) -> Option<Vec<(u64, String)>> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let entry = |path: &Path| Some((path.file_name()?.to_str()?.parse().ok()?, read(path)?));
    Some(entries.filter_map(|found| entry(&found.path())).collect())
}

impl fmt::Display for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.number)
    }
}

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.number, self.target)
    }
}
