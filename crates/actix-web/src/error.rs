//! What is told of a server that cannot serve, or did not drain.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::Duration;

use majordomo::BoxError;
use majordomo::events::{InFlight, OldestCall};

/// The server ended in time, but not everything on it ended by itself.
///
/// It comes as an error of its service in the stage shutdown (exit code 3). It names the requests that were cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct ActixWebDrainError {
    /// Connections that were cut shortly before the deadline.
    pub connections: usize,
    /// How many requests of each kind were open then: by method and the first segment of the path.
    pub requests: BTreeMap<String, usize>,
    /// The longest running of them.
    pub oldest: Option<OldestCall>,
    /// The worker threads that had not ended in time.
    pub blocked_workers: Vec<BlockedWorker>,
}

/// A worker thread that had not ended in time. If something blocks it, it ends when that does, or with the process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockedWorker {
    /// The thread's name.
    pub thread: String,
    /// The request whose handler blocks it, by method and the first segment of its path, and for how long. `None` where no
    /// request is being polled: a task that was spawned, or a closure of `web::block`, keeps it, or the machine is slow.
    pub by: Option<(String, Duration)>,
}

impl ActixWebDrainError {
    /// What was cut, if anything, and who did not end; `None` where there is nothing to tell.
    pub(crate) fn of(cut: Option<InFlight>, blocked_workers: Vec<BlockedWorker>) -> Option<Self> {
        let nothing = cut.is_none() && blocked_workers.is_empty();
        let InFlight { connections, calls, oldest, .. } = cut.unwrap_or_default();
        (!nothing).then_some(Self { connections, requests: calls, oldest, blocked_workers })
    }
}

impl fmt::Display for ActixWebDrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server did not drain by itself")?;
        if self.connections > 0 {
            let open: usize = self.requests.values().sum();
            write!(f, ": {} cut, {} open", count(self.connections, "connection"), count(open, "request"))?;
        }
        if let Some(OldestCall { method, age }) = &self.oldest {
            write!(f, "; the oldest request, {method}, had run for {age:.1?}")?;
        }
        for worker in &self.blocked_workers {
            write!(f, "; {worker}")?;
        }
        if !self.blocked_workers.is_empty() {
            return f.write_str(": move what blocks to web::block, and limit how long it takes");
        }
        f.write_str(
            ": limit how long handlers take, end streams once shutdown is requested, or allow more time",
        )
    }
}

impl fmt::Display for BlockedWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { thread, by } = self;
        match by {
            Some((request, lasted)) => write!(f, "{request} has been blocking {thread} for {lasted:.1?}"),
            None => write!(f, "{thread} had not ended: a task or a closure of web::block may keep it"),
        }
    }
}

/// `1 request`, `2 requests`.
fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Why a server does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("the factory of the App could not be made: {0}")]
    Make(#[source] BoxError),
    #[error(
        "actix-web could not start: {0}: mend what the factory of its App does, or the limits of the process"
    )]
    Start(#[source] io::Error),
    #[error("actix-web could not start, since the factory of its App panicked: {0}: mend that")]
    Factory(String),
    #[error("actix-web's server ended by itself{}: only Majordomo is to stop it; restart it by a RestartPolicy", because(.0.as_ref()))]
    Ended(Option<io::Error>),
    #[error(
        "all worker threads of actix-web's server have ended: a handler stopped its Arbiter or System, or panicked the worker itself; mend that"
    )]
    NoWorkers,
    #[error("actix-web's server was run without having been set up: this is a bug in majordomo-actix-web")]
    NotSetUp,
}

fn because(error: Option<&io::Error>) -> String {
    error.map(|error| format!(" ({error})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g09_what_did_not_drain_is_named_with_what_to_do() {
        let oldest = OldestCall { method: "GET /slow".to_owned(), age: Duration::from_millis(1_200) };
        let error = ActixWebDrainError {
            connections: 2,
            requests: [("GET /slow".to_owned(), 1)].into(),
            oldest: Some(oldest),
            blocked_workers: Vec::new(),
        };
        let text = error.to_string();
        assert!(
            text.contains(
                "2 connections cut, 1 request open; the oldest request, GET /slow, had run for 1.2s"
            ),
            "{text}"
        );
        let by = Some(("GET /block".to_owned(), Duration::from_secs(3)));
        let blocked = |by| BlockedWorker { thread: "worker".to_owned(), by };
        let error =
            ActixWebDrainError { blocked_workers: vec![blocked(by), blocked(None)], ..Default::default() };
        let text = error.to_string();
        assert!(
            text.contains("GET /block has been blocking worker for 3.0s; worker had not ended"),
            "{text}"
        );
        assert!(text.contains("web::block, and limit"), "{text}");
        assert_eq!(ActixWebDrainError::of(None, Vec::new()), None);
    }
}
