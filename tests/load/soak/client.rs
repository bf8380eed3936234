//! One client among many: which of all actions it takes next is drawn from its random seed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use fastrand::Rng;
use tonic::transport::Channel;

use super::actions::{self, ACTIONS};
use support::place::Place;
use support::within;

/// How often each action was taken, and what came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<BTreeMap<&'static str, BTreeMap<String, usize>>>>);

impl Tally {
    fn count(&self, action: &'static str, outcome: String) {
        *self.0.lock().unwrap().entry(action).or_default().entry(outcome).or_default() += 1;
    }
}

impl Tally {
    /// How many actions were taken.
    pub(crate) fn taken(&self) -> usize {
        self.0.lock().unwrap().values().flat_map(BTreeMap::values).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (action, outcomes) in &*self.0.lock().unwrap() {
            let all: usize = outcomes.values().sum();
            let outcomes: Vec<_> =
                outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
            writeln!(f, "  {all:>5} x {action}: {}", outcomes.join(", "))?;
        }
        Ok(())
    }
}

/// A client, which may keep a channel from one action to the next.
pub(crate) struct Client {
    pub(super) random: Rng,
    pub(super) places: Vec<Place>,
    pub(super) kept: Option<Channel>,
    /// Whether the server refuses nothing and ends nothing by itself: then every answer is known.
    pub(super) unlimited: bool,
    tally: Tally,
}

impl Client {
    pub(crate) fn new(seed: u64, places: &[Place], unlimited: bool, tally: &Tally) -> Self {
        let (random, places, tally) = (Rng::with_seed(seed), places.to_vec(), tally.clone());
        Self { random, places, kept: None, unlimited, tally }
    }

    /// Acts until then, or until all who count there have acted so often.
    pub(crate) async fn act(mut self, until: Instant, taken: Arc<AtomicUsize>, most: usize) {
        while Instant::now() < until && taken.fetch_add(1, Ordering::Relaxed) < most {
            let name = ACTIONS[self.random.usize(..ACTIONS.len())];
            let outcome = within(name, actions::take(&mut self, name)).await;
            self.tally.count(name, outcome);
        }
    }

    pub(super) fn place(&mut self) -> Place {
        self.places[self.random.usize(..self.places.len())].clone()
    }

    /// The channel that it keeps, or a new one.
    pub(super) fn channel(&mut self) -> Channel {
        let place = self.place();
        self.kept.get_or_insert_with(|| place.channel()).clone()
    }

    /// What came of it, which must be this where every answer is known.
    pub(super) fn told(&self, outcome: String, expected: &str) -> String {
        assert!(!self.unlimited || outcome == expected, "expected {expected:?}, was told {outcome:?}");
        outcome
    }
}
