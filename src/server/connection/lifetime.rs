//! How long a connection is kept: until it was silent, idle or in use for too long.
//!
//! There is one sleep at a time, until whichever limit is next; none where nothing is limited.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use crate::server::connection::state::Connection;
use crate::server::drain::until;
use crate::server::options::EngineOptions;

/// Why a connection is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    /// Its peer never spoke.
    Silent,
    Idle,
    Aged,
}

/// The limits of one connection.
#[derive(Debug)]
pub(crate) struct Lifetime {
    /// `None` once the peer has spoken in time.
    handshake: Option<Instant>,
    age: Option<Instant>,
    idle: Option<Duration>,
}

impl Lifetime {
    /// For a connection that began then.
    pub(crate) fn new(options: &EngineOptions, began: Instant) -> Self {
        Self {
            handshake: Some(began + options.handshake_timeout),
            age: options.max_connection_age.map(|age| began + jittered(age, random())),
            idle: options.max_connection_idle,
        }
    }

    /// Resolves when it is over.
    pub(crate) async fn over(mut self, connection: &Connection) -> Departure {
        loop {
            if !connection.is_silent() {
                // No timer is left that would wake an idle process.
                self.handshake = None;
            }
            let idle = self.idle.map(|limit| connection.idle_since() + limit);
            let idle = idle.filter(|_| !connection.has_calls());
            let next = [self.handshake, self.age, idle].into_iter().flatten().min();
            tokio::select! {
                () = until(next.map(Instant::into_std)) => {}
                // The peer spoke, or the last call ended.
                () = connection.lighter.notified(), if self.waits(idle) => continue,
            }
            let passed = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
            if passed(self.handshake) && connection.is_silent() {
                return Departure::Silent;
            }
            if passed(self.age) {
                return Departure::Aged;
            }
            // Calls that came and went in the meantime have moved it.
            let idle = self.idle.map(|limit| connection.idle_since() + limit);
            if passed(idle) && !connection.has_calls() {
                return Departure::Idle;
            }
        }
    }

    /// Whether something that the connection tells of would change what comes next.
    fn waits(&self, idle: Option<Instant>) -> bool {
        self.handshake.is_some() || self.idle.is_some() && idle.is_none()
    }
}

/// 32 bits that nobody guesses, which is more than enough to spread things.
fn random() -> u32 {
    (RandomState::new().hash_one(()) >> 32) as u32
}

/// 10 % less to 10 % more, as far along as the random number among all such.
fn jittered(age: Duration, random: u32) -> Duration {
    age.mul_f64(0.9 + 0.2 * f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake};

    use super::*;
    use crate::server::state::WorkerState;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_has_spoken_leaves_no_timer_behind() {
        let (worker, woken) = (Arc::new(WorkerState::default()), Arc::<Woken>::default());
        let (connection, waker) = (Connection::new(Arc::clone(&worker)), Arc::clone(&woken).into());
        let mut over = pin!(Lifetime::new(&worker.options, connection.began()).over(&connection));
        let mut polled = || over.as_mut().poll(&mut Context::from_waker(&waker));
        let woken = || woken.0.load(Ordering::Relaxed);
        assert_eq!(polled(), Poll::Pending);
        connection.read(24);
        assert_eq!((woken(), polled()), (1, Poll::Pending), "it hears of that");
        tokio::time::advance(2 * worker.options.handshake_timeout).await;
        assert_eq!(woken(), 1, "nothing is waited for any more");
    }

    #[test]
    fn ages_are_spread_by_ten_percent_to_both_sides() {
        let age = Duration::from_secs(1000);
        let rounded = |random| jittered(age, random).as_secs_f64().round();
        assert_eq!((rounded(0), rounded(u32::MAX / 2), rounded(u32::MAX)), (900.0, 1000.0, 1100.0));
        let some: std::collections::BTreeSet<_> = (0..32).map(|_| random()).collect();
        assert!(some.len() > 16, "{some:?}");
    }
}
