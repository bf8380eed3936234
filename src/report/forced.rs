//! Ends without an answer: forced by the manager, or the actor's own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::seconds;
use crate::events::{InFlight, Name, count};
use crate::lifecycle::{Activity, Step};

/// The manager ended something whose time was up. Says what it was doing, for how long, and why it was
/// not done.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "{}: {hold}{}; {}",
    begun(*activity, *lasted),
    carrying(in_flight.as_deref()),
    mend(*activity, hold, in_flight.as_deref())
)]
#[non_exhaustive]
pub struct ForcedError {
    /// What it was in: `register`, `setup`, `run`, `shutdown` or `release`; `ending` where all of these were over.
    pub doing: &'static str,
    activity: Activity,
    /// For how long.
    pub lasted: Duration,
    /// What held it.
    pub hold: Hold,
    /// Of the gRPC server: what it still carried, which was cut.
    pub in_flight: Option<Arc<InFlight>>,
}

impl ForcedError {
    pub(crate) fn new(
        activity: Activity,
        lasted: Duration,
        hold: Hold,
        in_flight: Option<Arc<InFlight>>,
    ) -> Self {
        Self { doing: activity.name(), activity, lasted, hold, in_flight }
    }
}

fn begun(activity: Activity, lasted: Duration) -> String {
    match activity {
        Activity::Ending => "could not be ended".to_owned(),
        _ => format!("forced after {} of {activity}", seconds(lasted)),
    }
}

/// A service that had less time than this is reported as hardly asked.
const HARDLY: Duration = Duration::from_millis(30);

/// What to do about it.
fn mend(activity: Activity, hold: &Hold, in_flight: Option<&InFlight>) -> &'static str {
    match (hold, activity) {
        (Hold::Blocking { .. }, _) => "move blocking work to spawn_blocking or to a dedicated thread",
        (Hold::Starved { .. }, _) => "mend that one, or give this one a dedicated thread",
        (Hold::Unresponsive, _) => "look for blocking calls in what was spawned there",
        (Hold::Panicked, _) => "mend the panic, which is told beside this",
        _ if in_flight.is_some() => {
            "limit them by the request_timeout of the server's options, or allow more time"
        }
        (Hold::NotAsked, Activity::Step(Step::Run)) => {
            "ask by StartShutdown, which gives it time, or allow more time"
        }
        (_, Activity::Step(Step::Register | Step::Setup)) => {
            "limit what its set-up waits for, or allow more time"
        }
        (_, Activity::Release) => "limit what its Release waits for, or allow more time by release_reserve",
        _ => "have its Run return once shutdown is requested, or allow more time",
    }
}

fn carrying(in_flight: Option<&InFlight>) -> String {
    match in_flight {
        Some(carried) if carried.carrying > 0 => {
            let were = if carried.carrying == 1 { "was" } else { "were" };
            format!("; {} with open calls {were} cut: {carried}", count(carried.carrying, "connection"))
        }
        _ => String::new(),
    }
}

/// What held an actor that had to be forced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hold {
    /// It was never asked to stop before its end was forced: the shutdown was forced at once, or before its turn had come.
    NotAsked,
    /// It was asked and did not answer.
    Silent {
        /// How long ago it was asked.
        asked: Duration,
    },
    /// It answered that it would stop, and went on.
    WentOn {
        /// How long ago it was asked.
        asked: Duration,
    },
    /// Something of it had panicked, which it may have waited for.
    Panicked,
    /// It blocks its thread, which is given up: nothing can interrupt it.
    Blocking {
        /// For how long.
        lasted: Duration,
    },
    /// Another actor blocks the thread that they share.
    Starved {
        /// The actor that blocks it.
        by: Name,
        /// For how long.
        lasted: Duration,
    },
    /// Its thread does not react, though no actor of this manager is to be seen on it.
    Unresponsive,
}

impl Hold {
    /// Whether it merely shared a thread with the one to blame.
    pub fn is_victim(&self) -> bool {
        matches!(self, Hold::Starved { .. })
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::NotAsked => f.write_str("its end was forced before it had been asked to stop"),
            Hold::Silent { asked } | Hold::WentOn { asked } if *asked < HARDLY => {
                write!(f, "it had only {} to stop in", seconds(*asked))
            }
            Hold::Silent { asked } => {
                write!(f, "asked to stop {} ago, it did not answer", seconds(*asked))
            }
            Hold::WentOn { asked } => {
                write!(f, "asked to stop {} ago, it agreed and went on", seconds(*asked))
            }
            Hold::Panicked => f.write_str("it had panicked before, and did not come to its end"),
            Hold::Blocking { lasted } => {
                write!(f, "it has been blocking its thread for {}", seconds(*lasted))
            }
            Hold::Starved { by, lasted } => {
                write!(
                    f,
                    "starved by {by}, which has been blocking the thread they share for {}",
                    seconds(*lasted)
                )
            }
            Hold::Unresponsive => {
                f.write_str("its thread does not react, though no actor of this manager is to be seen on it")
            }
        }
    }
}

/// An actor ended, or dropped a request, without answering.
///
/// It is the source of a [`ServiceError`](crate::ServiceError) where an actor stopped itself in a step. Answer first, then stop.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "ended without answering {doing}: the actor stopped, or dropped the request; answer first, then stop"
)]
pub struct NoAnswerError {
    /// What was not answered.
    pub doing: &'static str,
}

impl NoAnswerError {
    pub(crate) fn new(activity: Activity) -> Self {
        let doing = match activity {
            Activity::Handler => "its messages",
            activity => activity.name(),
        };
        Self { doing }
    }
}

/// An actor was stuck for longer than its service allows. It was given up.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "stuck in one poll for {}, where {} are allowed: given up on {thread}, which stays blocked until that poll returns; \
     move blocking work to spawn_blocking",
    seconds(*lasted),
    seconds(*limit)
)]
pub struct StuckError {
    /// How long its poll had lasted.
    pub lasted: Duration,
    /// How long it may.
    pub limit: Duration,
    /// What the operating system calls its thread.
    pub thread: Arc<str>,
}

/// A main loop that always is to run has returned once too often.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "its main loop returned, though its RestartPolicy has it always run, and no further restart is allowed: have it go \
     on until shutdown is requested, or use RestartPolicy::on_failure()"
)]
pub struct ReturnedError;
