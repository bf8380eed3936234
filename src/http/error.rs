//! What is told of an HTTP server that cannot serve, or did not drain.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use crate::base::BoxError;
use crate::events::{OldestCall, count};
use crate::server::drain::Undrained;
use crate::server::error::{ListenError, Lost};

/// The HTTP server ended in time, but not everything on it ended by itself.
///
/// It comes as an error of its service in the stage shutdown (exit code 3). It counts what was answered 503 or cut, and names
/// the oldest request: limit requests by `HttpServerOptions::request_timeout`, or allow more time.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct HttpDrainError {
    /// Connections that still carried requests shortly before the deadline.
    pub connections: usize,
    /// Requests that were answered 503 then, or whose answer was cut.
    pub called_off: usize,
    /// Connections that were cut in the end: their peer did not read, or their handler did not yield.
    pub cut: usize,
    /// How many requests of each kind did not end by themselves: by method and route, or the first segment of the path.
    pub requests: BTreeMap<String, usize>,
    /// The longest running of them.
    pub oldest: Option<OldestCall>,
    /// The threads that could not be ended, since a handler blocks them.
    pub blocked_workers: Vec<String>,
}

impl From<Undrained> for HttpDrainError {
    fn from(undrained: Undrained) -> Self {
        let Undrained { connections, called_off, cut, methods, oldest, blocked_workers } = undrained;
        Self { connections, called_off, cut, requests: methods, oldest, blocked_workers }
    }
}

impl fmt::Display for HttpDrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "HTTP did not drain by itself: {} held on, {} called off, {} cut",
            count(self.connections, "connection"),
            count(self.called_off, "request"),
            count(self.cut, "connection"),
        )?;
        if let Some(OldestCall { method, age }) = &self.oldest {
            write!(f, "; the oldest request, {method}, had run for {age:.1?}")?;
        }
        if !self.blocked_workers.is_empty() {
            write!(f, "; a handler blocks {}", self.blocked_workers.join(", "))?;
            return f.write_str(": move what blocks to spawn_blocking");
        }
        f.write_str(": limit requests by HttpServerOptions::request_timeout, or allow more time")
    }
}

/// Why an HTTP server cannot serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpServerError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("the service could not be made: {0}")]
    Make(#[source] BoxError),
    #[error(
        "could not start a thread for the HTTP server ({0}): raise the limits of the process, or lower HttpServerOptions::workers"
    )]
    Thread(io::Error),
    #[error("the HTTP server was run without having been set up: this is a bug in majordomo")]
    NotSetUp,
    #[error("the HTTP server's accepting thread ended unexpectedly: this is a bug in majordomo")]
    Lost,
}

/// Whether another process listens at the address of an HTTP server.
pub(crate) fn is_in_use(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(HttpServerError::Listen(ListenError::InUse { .. })))
}

impl From<Lost> for HttpServerError {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}
