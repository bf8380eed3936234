//! What a gRPC server carries at one moment.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::base::{as_ms, as_opt_ms};

/// How many methods a text names; the others are counted.
const NAMED: usize = 5;

/// How many methods are told apart: of a service that nothing describes any path may be called.
const METHODS: usize = 1000;

/// What calls are counted as whose method is not served, or is one of too many.
pub(crate) const OTHER_METHODS: &str = "_OTHER";

/// What a gRPC server carries at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InFlight {
    /// Open connections, also those that carry nothing.
    pub connections: usize,
    /// Connections with open calls.
    pub carrying: usize,
    /// How many calls of each method are open: by path, `/package.Service/Method`. Methods that nobody serves are one,
    /// `_OTHER`, and so are all beyond the first thousand.
    pub calls: BTreeMap<String, usize>,
    /// The open call that has been running for the longest time.
    pub oldest: Option<OldestCall>,
    /// Open calls that are watches of the built-in health service, or streams of reflection.
    pub watches: usize,
    /// All calls that ever arrived.
    pub arrived: u64,
    /// How many of them were refused because a limit was reached.
    pub shed: u64,
    /// The calls whose handlers block their workers, each for as long as a handler has been polled: those that have been told as
    /// [`StallStarted`](crate::events::LifecycleEvent::StallStarted). At most one a worker.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stuck: Vec<OldestCall>,
    /// Connections whose peer has read nothing for a second or longer, though bytes wait for it.
    pub unread: usize,
    /// For how long the slowest of those has read nothing.
    #[serde(rename = "longest_unread_ms", serialize_with = "as_opt_ms")]
    pub longest_unread: Option<Duration>,
}

/// A call that has not ended, or a poll of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OldestCall {
    /// Its path: `/package.Service/Method`.
    pub method: String,
    /// How long it has been running.
    #[serde(rename = "age_ms", serialize_with = "as_ms")]
    pub age: Duration,
}

impl InFlight {
    /// How many calls are open.
    pub fn open(&self) -> usize {
        self.calls.values().sum()
    }

    /// Takes note of a connection whose peer has read nothing for so long.
    pub(crate) fn add_unread(&mut self, lasted: Duration) {
        self.unread += 1;
        self.longest_unread = self.longest_unread.max(Some(lasted));
    }

    /// Takes note of an open call.
    pub(crate) fn add(&mut self, method: &str, age: Duration) {
        let known = self.calls.len() < METHODS || self.calls.contains_key(method);
        let method = if known { method } else { OTHER_METHODS };
        match self.calls.get_mut(method) {
            Some(count) => *count += 1,
            None => drop(self.calls.insert(method.to_owned(), 1)),
        }
        if self.oldest.as_ref().is_none_or(|oldest| oldest.age < age) {
            self.oldest = Some(OldestCall { method: method.to_owned(), age });
        }
    }
}

impl fmt::Display for InFlight {
    /// `2 connections, 3 calls open: /a.B/C x 3; the oldest, /a.B/C, for 1.2s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} open", count(self.connections, "connection"), count(self.open(), "call"))?;
        let mut methods: Vec<_> = self.calls.iter().collect();
        methods.sort_by_key(|(_, calls)| std::cmp::Reverse(**calls));
        for (at, (method, calls)) in methods.iter().take(NAMED).enumerate() {
            write!(f, "{}{method} x {calls}", if at == 0 { ": " } else { ", " })?;
        }
        if methods.len() > NAMED {
            write!(f, ", and of {}", count(methods.len() - NAMED, "other method"))?;
        }
        if let Some(OldestCall { method, age }) = &self.oldest {
            write!(f, "; the oldest, {method}, for {age:.1?}")?;
        }
        for OldestCall { method, age } in &self.stuck {
            write!(f, "; {method} has blocked its worker for {age:.1?}")?;
        }
        match self.longest_unread {
            Some(lasted) => {
                write!(f, "; {} not read by the peer, for {lasted:.1?}", count(self.unread, "connection"))
            }
            None => Ok(()),
        }
    }
}

/// `1 call`, `2 calls`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g17_no_more_than_so_many_methods_are_told_apart() {
        let mut carried = InFlight::default();
        for at in 0..METHODS + 500 {
            carried.add(&format!("/a.B/{at}"), Duration::ZERO);
            carried.add("/a.B/0", Duration::ZERO);
        }
        assert_eq!(carried.calls.len(), METHODS + 1);
        assert_eq!((carried.calls[OTHER_METHODS], carried.calls["/a.B/0"]), (500, METHODS + 501));
    }

    #[test]
    fn g09_what_is_in_flight_reads_as_a_sentence_that_names_methods_and_the_oldest_call() {
        let mut carried = InFlight { connections: 2, ..InFlight::default() };
        assert_eq!(carried.to_string(), "2 connections, 0 calls open");
        carried.add("/a.B/C", Duration::from_millis(1_200));
        carried.add("/a.B/D", Duration::from_millis(5));
        carried.add("/a.B/C", Duration::from_millis(3));
        assert_eq!(
            carried.to_string(),
            "2 connections, 3 calls open: /a.B/C x 2, /a.B/D x 1; the oldest, /a.B/C, for 1.2s"
        );
        carried.add_unread(Duration::from_secs(2));
        carried.add_unread(Duration::from_millis(1_500));
        let text = carried.to_string();
        assert!(text.ends_with("for 1.2s; 2 connections not read by the peer, for 2.0s"), "{text}");
        (0..9).for_each(|at| carried.add(&format!("/a.E/{at}"), Duration::ZERO));
        assert!(carried.to_string().contains(", and of 6 other methods;"), "{carried}");
    }
}
