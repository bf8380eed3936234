//! What is told of a drain that did not come out even.

use std::collections::BTreeMap;
use std::fmt;

use crate::events::{OldestCall, count};
use crate::server::drain::Undrained;

/// The gRPC server ended in time, but not everything on it ended by itself.
///
/// It comes as an error of the service `majordomo grpc` in the stage shutdown (exit code 3). It counts what was answered UNAVAILABLE or cut, and
/// names the oldest call: limit calls by `GrpcServerOptions::request_timeout`, or allow more time.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct DrainError {
    /// Connections that still carried calls shortly before the deadline.
    pub connections: usize,
    /// Calls that were answered UNAVAILABLE then.
    pub unavailable: usize,
    /// Connections that were cut in the end: their peer did not read, or their handler did not yield.
    pub cut: usize,
    /// How many calls of each method did not end by themselves, but UNAVAILABLE, cut or not at all: by path,
    /// `/package.Service/Method`.
    pub methods: BTreeMap<String, usize>,
    /// The longest running of them.
    pub oldest: Option<OldestCall>,
    /// The threads that could not be ended, since a handler blocks them. Their connections stay open for as
    /// long as it does.
    pub blocked_workers: Vec<String>,
}

impl From<Undrained> for DrainError {
    fn from(undrained: Undrained) -> Self {
        let Undrained { connections, called_off, cut, methods, oldest, blocked_workers } = undrained;
        Self { connections, unavailable: called_off, cut, methods, oldest, blocked_workers }
    }
}

impl fmt::Display for DrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "gRPC did not drain by itself: {} held on, {} answered UNAVAILABLE, {} cut",
            count(self.connections, "connection"),
            count(self.unavailable, "call"),
            count(self.cut, "connection"),
        )?;
        if let Some(OldestCall { method, age }) = &self.oldest {
            write!(f, "; the oldest call, {method}, had run for {age:.1?}")?;
        }
        if !self.blocked_workers.is_empty() {
            write!(f, "; a handler blocks {}", self.blocked_workers.join(", "))?;
            return f.write_str(": move what blocks to spawn_blocking");
        }
        f.write_str(": limit calls by GrpcServerOptions::request_timeout, or allow more time")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn g09_a_drain_names_what_held_on() {
        let error = DrainError {
            methods: BTreeMap::new(),
            connections: 2,
            unavailable: 1,
            cut: 1,
            oldest: Some(OldestCall { method: "/a.B/C".into(), age: Duration::from_millis(3100) }),
            blocked_workers: vec!["server-worker-0".into()],
        };
        assert_eq!(
            error.to_string(),
            "gRPC did not drain by itself: 2 connections held on, 1 call answered UNAVAILABLE, 1 connection cut; \
             the oldest call, /a.B/C, had run for 3.1s; a handler blocks server-worker-0: move what blocks to spawn_blocking"
        );
    }
}
