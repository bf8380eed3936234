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
    /// The head of a request did not come whole.
    LateHead,
    Aged,
    /// Its server gives way to another.
    GivenWay,
}

/// The limits of one connection.
#[derive(Debug)]
pub(crate) struct Lifetime {
    /// `None` once the peer has spoken in time.
    handshake: Option<Instant>,
    age: Option<Instant>,
    idle: Option<Duration>,
    /// For the head of a request of HTTP/1.1, from the moment when its peer may send one.
    head: Option<Duration>,
}

impl Lifetime {
    /// For a connection that began then.
    pub(crate) fn new(options: &EngineOptions, began: Instant) -> Self {
        Self {
            handshake: Some(began + options.handshake_timeout),
            age: options.max_connection_age.map(|age| began + jittered(age, random())),
            idle: options.max_connection_idle,
            head: options.http1.and_then(|http1| http1.head_timeout),
        }
    }

    /// Resolves when it is over.
    pub(crate) async fn over(mut self, connection: &Connection) -> Departure {
        loop {
            if !connection.is_silent() {
                // No timer is left that would wake an idle process.
                self.handshake = None;
            }
            let idle = self.idle(connection).map(|(at, _)| at);
            let next = [self.handshake, self.age, idle].into_iter().flatten().min();
            tokio::select! {
                () = until(next.map(Instant::into_std)) => {}
                // The peer spoke, or the last call ended.
                () = connection.lighter.notified(), if self.waits(connection, idle) => continue,
            }
            let passed = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
            if passed(self.handshake) && connection.is_silent() {
                return Departure::Silent;
            }
            if passed(self.age) {
                return Departure::Aged;
            }
            // Calls that came and went in the meantime have moved it.
            if let Some((at, why)) = self.idle(connection)
                && passed(Some(at))
            {
                return why;
            }
        }
    }

    /// When it will have been without calls for too long, and what that is then; `None` while it has some.
    fn idle(&self, connection: &Connection) -> Option<(Instant, Departure)> {
        if connection.has_calls() {
            return None;
        }
        let half = connection.has_half_head();
        let why = if half { Departure::LateHead } else { Departure::Idle };
        let head = self.head.filter(|_| connection.http1().is_some());
        // A head that is on its way has the time for heads, where there is one.
        let idle = self.idle.filter(|_| !half || head.is_none());
        [head, idle].into_iter().flatten().min().map(|limit| (connection.idle_since() + limit, why))
    }

    /// Whether something that the connection tells of would change what comes next.
    fn waits(&self, connection: &Connection, idle: Option<Instant>) -> bool {
        let limited = self.idle.is_some() || self.head.is_some() && connection.http1().is_some();
        self.handshake.is_some() || limited && idle.is_none()
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
        connection.read(&[0; 24]);
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
