//! How long the handlers of a server keep a worker's thread busy, by route: so that a request of a heavy one is handed over where the
//! worker is behind, as gRPC's calls are.
//!
//! A route is what a request is shown as: its method, and the first segment of its path. Clients invent paths, so the table has
//! a fixed size, and routes that fall on one place share it.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use http::{Method, Uri};

use crate::server::worker::balance::Cost;

/// How many routes are told apart, if they fall on places of their own.
const PLACES: usize = 256;

/// What the routes of a server cost, as one worker knows it.
#[derive(Debug)]
pub(crate) struct RouteCosts {
    places: [Cost; PLACES],
    random: RandomState,
}

impl Default for RouteCosts {
    fn default() -> Self {
        Self { places: std::array::from_fn(|_| Cost::default()), random: RandomState::default() }
    }
}

impl RouteCosts {
    /// The cost of a request, the so many-th of its worker.
    pub(crate) fn of(self: &Arc<Self>, method: &Method, uri: &Uri, number: u64) -> RequestCost {
        // Cheaper than by the pattern of a text: paths are short.
        let path = uri.path().as_bytes();
        let begin = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
        let first = path[begin..].split(|byte| *byte == b'/').next();
        let place = self.random.hash_one((method, first)) as usize % PLACES;
        let longest = self.places[place].is_measured(number).then(AtomicU32::default);
        RequestCost { costs: Arc::clone(self), place, longest }
    }
}

/// The cost of one request, learnt when it is over.
#[derive(Debug)]
pub(crate) struct RequestCost {
    costs: Arc<RouteCosts>,
    place: usize,
    /// Its longest poll, in nanoseconds, where polls are measured; 0 before the first.
    longest: Option<AtomicU32>,
}

impl RequestCost {
    /// What its first poll is expected to take, where that is much, in nanoseconds.
    pub(crate) fn heavy(&self) -> Option<u64> {
        self.costs.places[self.place].heavy()
    }

    /// Measures a poll.
    pub(crate) fn measure<T>(&self, poll: impl FnOnce() -> T) -> T {
        let Some(longest) = &self.longest else { return poll() };
        let began = Instant::now();
        let polled = poll();
        let took = u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX);
        longest.fetch_max(took, Ordering::Relaxed);
        polled
    }
}

impl Drop for RequestCost {
    fn drop(&mut self) {
        // A request that was not handled tells nothing of what its route costs.
        if let Some(longest) = self.longest.take().map(AtomicU32::into_inner).filter(|took| *took > 0) {
            self.costs.places[self.place].measured(Duration::from_nanos(longest.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(costs: &Arc<RouteCosts>, path: &str) -> RequestCost {
        costs.of(&Method::GET, &path.parse().unwrap(), 0)
    }

    #[test]
    fn a_route_is_known_as_heavy_once_a_request_of_it_was() {
        let costs = Arc::<RouteCosts>::default();
        let first = cost(&costs, "/reports/7?year=1");
        assert_eq!(first.heavy(), None);
        first.measure(|| std::thread::sleep(Duration::from_millis(1)));
        assert_eq!(first.heavy(), None, "it is not over");
        drop(first);
        assert!(cost(&costs, "/reports/8").heavy().is_some_and(|cost| cost >= 1_000_000));
        let another = cost(&costs, "/reports").place;
        assert_ne!(costs.of(&Method::PUT, &"/reports".parse().unwrap(), 0).place, another, "by method, too");
    }

    #[test]
    fn a_request_that_was_not_handled_tells_nothing() {
        let costs = Arc::<RouteCosts>::default();
        drop(cost(&costs, "/never"));
        assert_eq!(cost(&costs, "/never").heavy(), None);
    }
}
