//! How many at a time: places among the calls of the whole server, turns among those of a connection.
//!
//! Neither exists, nor costs anything, where its limit is not set.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place among all calls of the server; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    /// Takes one of so many places, if any is free.
    pub(crate) fn take(taken: &Arc<AtomicUsize>, places: usize) -> Option<Self> {
        let place = Self(Arc::clone(taken));
        // Given up again where it is one too many.
        (taken.fetch_add(1, Ordering::Relaxed) < places).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call's turn to be handled; the next one's when dropped.
pub(crate) type Turn = OwnedSemaphorePermit;

/// A call's place in the queue; resolves when it is its turn.
pub(crate) type Queued = Pin<Box<dyn Future<Output = Option<Turn>> + Send>>;

/// Queues in order of arrival.
pub(crate) fn queue(turns: &Arc<Semaphore>) -> Queued {
    let turns = Arc::clone(turns);
    // It is never closed.
    Box::pin(async move { turns.acquire_owned().await.ok() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_given_back() {
        let taken = Arc::default();
        let first = Place::take(&taken, 2).unwrap();
        let _second = Place::take(&taken, 2).unwrap();
        assert!(Place::take(&taken, 2).is_none());
        assert!(Place::take(&taken, 2).is_none());
        drop(first);
        assert!(Place::take(&taken, 2).is_some());
    }
}
