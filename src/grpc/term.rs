//! How long a connection is kept: until it was silent, idle or in use for too long.
//!
//! There is one sleep at a time, until whichever limit is next; none where nothing is limited.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use super::drain::until;
use super::options::GrpcServerOptions;

/// Why a connection is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Departure {
    /// Its peer never spoke.
    Silent,
    Idle,
    Aged,
}

/// The limits of one connection.
#[derive(Debug)]
pub(super) struct Term {
    /// `None` once the peer has spoken in time.
    handshake: Option<Instant>,
    age: Option<Instant>,
    idle: Option<Duration>,
}

impl Term {
    /// For a connection that began then.
    pub(super) fn new(options: &GrpcServerOptions, began: Instant) -> Self {
        Self {
            handshake: Some(began + options.handshake_timeout),
            age: options.max_connection_age.map(|age| began + jittered(age, random())),
            idle: options.max_connection_idle,
        }
    }

    /// Resolves when it is over.
    pub(super) async fn over(mut self, connection: &Connection) -> Departure {
        loop {
            let idle = self.idle.map(|limit| connection.idle_since() + limit);
            let idle = idle.filter(|_| !connection.has_calls());
            let next = [self.handshake, self.age, idle].into_iter().flatten().min();
            tokio::select! {
                () = until(next.map(Instant::into_std)) => {}
                // The last call ended.
                () = connection.lighter.notified(), if self.idle.is_some() && idle.is_none() => continue,
            }
            let passed = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
            if passed(self.handshake) {
                if connection.is_silent() {
                    return Departure::Silent;
                }
                self.handshake = None;
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
    use super::*;

    #[test]
    fn ages_are_spread_by_ten_percent_to_both_sides() {
        let age = Duration::from_secs(1000);
        let rounded = |random| jittered(age, random).as_secs_f64().round();
        assert_eq!((rounded(0), rounded(u32::MAX / 2), rounded(u32::MAX)), (900.0, 1000.0, 1100.0));
        let some: std::collections::BTreeSet<_> = (0..32).map(|_| random()).collect();
        assert!(some.len() > 16, "{some:?}");
    }
}
