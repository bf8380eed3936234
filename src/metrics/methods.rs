//! Calls of gRPC, by method and status.
//!
//! Each worker has counters of its own for each method, which the method itself holds: counting looks nothing up, and touches nothing that other
//! workers write. Scraped, they are added up; what a worker counted that is gone is kept.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use slab::Slab;

use super::histogram::{Histogram, Totals};
use super::lock::lock;
use crate::base::EndedBy;
use crate::events::{Name, OTHER_METHODS};

/// How many codes there are, from OK to UNAUTHENTICATED.
pub(super) const CODES: usize = 17;

/// How many ways of ending a call there are.
const WAYS: usize = EndedBy::ALL.len();

/// Calls by what ended them.
pub(super) type Ended = [u64; WAYS];

/// A method: its full name, without a slash before it, and its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MethodName {
    pub(super) name: Name,
    pub(super) kind: &'static str,
}

/// The counters of one method on one worker.
#[derive(Debug)]
struct Counters {
    method: MethodName,
    began: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    /// Most methods know few codes.
    by_code: [OnceLock<Box<Histogram>>; CODES],
    ended: [AtomicU64; WAYS],
}

/// What they say.
#[derive(Debug, Default, Clone)]
pub(super) struct MethodTotals {
    pub(super) began: u64,
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) by_code: BTreeMap<usize, Totals>,
    pub(super) ended: Ended,
}

/// The counters of all methods.
#[derive(Debug, Default)]
pub(crate) struct Methods {
    counters: Slab<Arc<Counters>>,
    /// Of workers, and servers, that are gone.
    past: BTreeMap<MethodName, MethodTotals>,
}

impl Methods {
    /// What has been counted so far. All methods that are served are among it.
    pub(super) fn totals(&self) -> BTreeMap<MethodName, MethodTotals> {
        let mut all = self.past.clone();
        for (_, counters) in &self.counters {
            all.entry(counters.method.clone()).or_default().add(counters);
        }
        all
    }
}

impl MethodTotals {
    fn add(&mut self, counters: &Counters) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.began += read(&counters.began);
        self.received += read(&counters.received);
        self.sent += read(&counters.sent);
        for (code, histogram) in counters.by_code.iter().enumerate() {
            if let Some(histogram) = histogram.get() {
                self.by_code.entry(code).or_default().merge(&histogram.totals());
            }
        }
        self.ended.iter_mut().zip(&counters.ended).for_each(|(all, more)| *all += read(more));
    }
}

/// Counts the calls of one method on one worker.
#[derive(Debug, Default)]
pub(crate) struct MethodMeter(Option<On>);

#[derive(Debug)]
struct On {
    counters: Arc<Counters>,
    key: usize,
    all: Arc<Mutex<Methods>>,
    counts_messages: bool,
}

impl MethodMeter {
    pub(super) fn new(
        all: &Arc<Mutex<Methods>>,
        counts_messages: bool,
        path: Option<&str>,
        kind: &'static str,
    ) -> Self {
        let name = path.map_or(OTHER_METHODS, |path| path.trim_start_matches('/'));
        let counters = Arc::new(Counters {
            method: MethodName { name: name.into(), kind },
            began: AtomicU64::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            by_code: Default::default(),
            ended: Default::default(),
        });
        let key = lock(all).counters.insert(Arc::clone(&counters));
        Self(Some(On { counters, key, all: Arc::clone(all), counts_messages }))
    }

    /// Whether anything is counted.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A call has arrived.
    pub(crate) fn began(&self) {
        if let Some(on) = &self.0 {
            on.counters.began.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether messages are counted, which has to look for them.
    pub(crate) fn counts_messages(&self) -> bool {
        self.0.as_ref().is_some_and(|on| on.counts_messages)
    }

    /// So many messages of a request have come.
    pub(crate) fn received(&self, count: u64) {
        if let Some(on) = &self.0 {
            on.counters.received.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// So many messages of an answer have been sent.
    pub(crate) fn sent(&self, count: u64) {
        if let Some(on) = &self.0 {
            on.counters.sent.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// A call is over, with the status of that number.
    pub(crate) fn ended(&self, code: usize, by: EndedBy, took: impl FnOnce() -> Duration) {
        let Some(on) = &self.0 else { return };
        if let Some(histogram) = on.counters.by_code.get(code) {
            histogram.get_or_init(Box::default).add(took());
        }
        // Those of handlers are all others.
        if by != EndedBy::Handler {
            on.counters.ended[by as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for On {
    fn drop(&mut self) {
        let mut methods = lock(&self.all);
        let Some(counters) = methods.counters.try_remove(self.key) else { return };
        methods.past.entry(counters.method.clone()).or_default().add(&counters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_workers_count_is_added_up_and_outlasts_them() {
        let all = Arc::<Mutex<Methods>>::default();
        let of = |path| MethodMeter::new(&all, false, path, "unary");
        let (first, second, other) = (of(Some("/a.B/C")), of(Some("/a.B/C")), of(None));
        let took = || Duration::from_millis(1);
        for meter in [&first, &second, &second] {
            meter.began();
            meter.ended(0, EndedBy::Handler, took);
        }
        other.ended(12, EndedBy::Refusal, took);
        let name = |name: &str| MethodName { name: name.into(), kind: "unary" };
        let check = || {
            let totals = lock(&all).totals();
            let of_method = &totals[&name("a.B/C")];
            assert_eq!((of_method.began, of_method.by_code[&0].count(), of_method.by_code.len()), (3, 3, 1));
            let others = &totals[&name("_OTHER")];
            assert_eq!((others.by_code[&12].count(), others.ended[EndedBy::Refusal as usize]), (1, 1));
            assert_eq!(totals.len(), 2);
        };
        check();
        drop((first, other));
        check();
        drop(second);
        check();
    }
}
