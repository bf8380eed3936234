//! The places that connections have: so many at once. One with nothing under way makes room for one that comes, so that nobody keeps probes out
//! by connecting and saying nothing.
//!
//! ```text
//!   waits for a request --> busy: a request, until its answer is written --> waits ..
//!          |
//!          +--> told to leave: all places are taken, and it has waited longest
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

/// In `Place::waits_since`: it does not.
const BUSY: u64 = u64::MAX;

/// All places, of which so many may be taken.
pub(super) struct Places {
    most: usize,
    began: Instant,
    taken: Vec<Arc<Place>>,
}

/// The place of a connection, free once that has dropped it.
pub(super) struct Place {
    began: Instant,
    /// In µs since `began`.
    waits_since: AtomicU64,
    leave: CancellationToken,
}

/// While there is one, its connection is busy.
pub(super) struct Busy(Arc<Place>);

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { most, began: Instant::now(), taken: Vec::new() }
    }

    /// `None` where all are taken by connections that are busy.
    pub(super) fn take(&mut self) -> Option<Arc<Place>> {
        self.taken.retain(|place| Arc::strong_count(place) > 1);
        if self.taken.len() >= self.most {
            let since = |place: &Arc<Place>| place.waits_since.load(Ordering::Relaxed);
            let (at, _) = self.taken.iter().enumerate().min_by_key(|(_, place)| since(place))?;
            if since(&self.taken[at]) == BUSY {
                return None;
            }
            self.taken.swap_remove(at).leave.cancel();
        }
        let place =
            Place { began: self.began, waits_since: AtomicU64::new(0), leave: CancellationToken::new() };
        let place = Arc::new(place);
        place.wait();
        self.taken.push(Arc::clone(&place));
        Some(place)
    }
}

impl Place {
    /// Resolves when the connection is to make room.
    pub(super) async fn left(&self) {
        self.leave.cancelled().await;
    }

    /// A request has come.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        self.waits_since.store(BUSY, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    fn wait(&self) {
        self.waits_since.store(self.began.elapsed().as_micros() as u64, Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g17_who_has_waited_longest_makes_room_and_who_is_busy_never() {
        let mut places = Places::new(2);
        let [one, other] = [(); 2].map(|()| places.take().unwrap());
        other.waits_since.store(1, Ordering::Relaxed);
        one.waits_since.store(2, Ordering::Relaxed);
        let busy = other.busy();
        let third = places.take().unwrap();
        assert!(one.leave.is_cancelled() && !other.leave.is_cancelled());
        let _busy_too = third.busy();
        assert!(places.take().is_none());
        drop(busy);
        assert!(places.take().is_some() && other.leave.is_cancelled());
    }

    #[test]
    fn g17_the_place_of_a_connection_that_is_gone_is_free() {
        let mut places = Places::new(1);
        let first = places.take().unwrap();
        let _busy = first.busy();
        assert!(places.take().is_none());
        drop((first, _busy));
        assert!(places.take().is_some());
    }
}
