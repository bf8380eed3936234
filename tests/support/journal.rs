//! What tests and the actors under test tell each other by, on whatever threads they are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Counts what has happened on other threads.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// What probes were sent, as they saw it: `a: started`, `a: setup`, `a/r1: release`, `a: dropped`.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub fn note(&self, entry: impl Into<String>) {
        self.0.lock().unwrap().push(entry.into());
    }

    pub fn entries(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub fn count(&self, entry: &str) -> usize {
        self.entries().iter().filter(|e| *e == entry).count()
    }

    /// Waits until this has been noted so often.
    pub async fn until(&self, entry: &str, count: usize) {
        let noted = async {
            while self.count(entry) < count {
                tokio::time::sleep(super::ms(1)).await;
            }
        };
        let limit = tokio::time::timeout(super::HANG, noted).await;
        assert!(limit.is_ok(), "no {entry:?}, {count} times, in {:#?}", self.entries());
    }

    /// The entries that end so, in their order, without that end.
    pub fn whose(&self, what: &str) -> Vec<String> {
        let end = format!(": {what}");
        self.entries().iter().filter_map(|e| e.strip_suffix(&end)).map(str::to_owned).collect()
    }

    #[track_caller]
    pub fn assert_before(&self, earlier: &str, later: &str) {
        let entries = self.entries();
        let place = |entry: &str| {
            let found = entries.iter().position(|e| e == entry);
            found.unwrap_or_else(|| panic!("no {entry:?} in {entries:#?}"))
        };
        assert!(place(earlier) < place(later), "expected {earlier:?} before {later:?} in {entries:#?}");
    }

    /// Nothing came to life: what was handed over was dropped as it was.
    #[track_caller]
    pub fn assert_nothing_lived(&self) {
        let lived: Vec<_> = self.entries().into_iter().filter(|e| !e.ends_with(": dropped")).collect();
        assert_eq!(lived, Vec::<String>::new(), "nothing should have been started");
    }
}
