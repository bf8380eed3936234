//! The connections of a worker whose peer reads nothing, for the status.

use std::sync::{Mutex, MutexGuard, PoisonError};

use slab::Slab;
use tokio::time::Instant;

use crate::events::InFlight;

/// Connections of one worker whose peer reads nothing, and since when. Never more than there are connections.
#[derive(Debug, Default)]
pub(crate) struct UnreadList(Mutex<Slab<Instant>>);

impl UnreadList {
    fn lock(&self) -> MutexGuard<'_, Slab<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection whose peer has read nothing since then.
    pub(crate) fn insert(&self, since: Instant) -> Entry<'_> {
        let key = self.lock().insert(since);
        Entry { all: self, key }
    }

    /// Tells of all of them.
    pub(crate) fn tell(&self, carried: &mut InFlight) {
        self.lock().iter().for_each(|(_, since)| carried.add_unread(since.elapsed()));
    }
}

/// An entry of the list, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    all: &'a UnreadList,
    key: usize,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.all.lock().try_remove(self.key);
    }
}
