//! What an observer of requests is told of the end of each.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, Version};
use tracing::Span;

use crate::base::{self, drop_quietly};
use crate::http::refusal::Refusal;

/// The end of a request, as [`HttpServerOptions::on_request_end`](crate::http::HttpServerOptions::on_request_end) tells of it: the last of
/// its answer has gone to the socket, or will not.
#[derive(Debug)]
#[non_exhaustive]
pub struct RequestEnd<'a> {
    /// Its method, which may be a peer's invention.
    pub method: &'a Method,
    /// Its route, where [`Route::name`](crate::http::Route::name) told it, by [`name_routes`](crate::http::name_routes) for example.
    pub route: Option<&'a str>,
    /// The version of HTTP.
    pub version: Version,
    /// The status of the answer; `None` where the client went before there was any.
    pub status: Option<StatusCode>,
    /// What ended it.
    pub ended_by: EndedBy,
    /// The time since it arrived.
    pub elapsed: Duration,
    /// Its span.
    pub span: &'a Span,
}

/// What ended a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum EndedBy {
    /// The handler, or a layer around it, by its answer.
    Handler,
    /// Its panic: 500, or the answer was cut.
    Panic,
    /// Its error, in place of an answer or in the middle of one.
    Failure,
    /// The server, in place of the handler: what was sent is no request, or not one that is answered.
    Refusal,
    /// `request_timeout`.
    Deadline,
    /// The drain, which called it off, or ended what has no end.
    Drain,
    /// The client, which went before the answer began, or its connection was cut.
    Client,
}

impl EndedBy {
    const ALL: [Self; 7] =
        [Self::Handler, Self::Panic, Self::Failure, Self::Refusal, Self::Deadline, Self::Drain, Self::Client];

    /// From its number.
    pub(crate) fn from(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Handler)
    }

    /// The same for what counts.
    pub(crate) fn counted(self) -> base::EndedBy {
        match self {
            Self::Handler | Self::Failure => base::EndedBy::Handler,
            Self::Panic => base::EndedBy::Panic,
            Self::Refusal => base::EndedBy::Refusal,
            Self::Deadline => base::EndedBy::Deadline,
            Self::Drain => base::EndedBy::Drain,
            Self::Client => base::EndedBy::Client,
        }
    }

    /// What this answer in place of the handler's tells; `None` where it is known already.
    pub(crate) fn of(refusal: Refusal) -> Option<Self> {
        match refusal {
            Refusal::Failed => None,
            Refusal::TooSlow => Some(Self::Deadline),
            Refusal::GoingAway => Some(Self::Drain),
            Refusal::Head(_)
            | Refusal::Malformed
            | Refusal::SlowRequest
            | Refusal::TooLong
            | Refusal::Full => Some(Self::Refusal),
        }
    }
}

impl fmt::Display for EndedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handler => "handler",
            Self::Panic => "panic",
            Self::Failure => "failure",
            Self::Refusal => "refusal",
            Self::Deadline => "deadline",
            Self::Drain => "drain",
            Self::Client => "client",
        })
    }
}

type Observe = dyn Fn(&RequestEnd<'_>) + Send + Sync;

/// Is told of the end of each request.
#[derive(Clone)]
pub(crate) struct OnRequestEnd(Arc<Observe>);

impl OnRequestEnd {
    pub(crate) fn new(observe: impl Fn(&RequestEnd<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    /// A panic of the observer is its own.
    pub(crate) fn tell(&self, end: &RequestEnd<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.0)(end))).map_err(drop_quietly);
    }
}

impl fmt::Debug for OnRequestEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnRequestEnd").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_a_request_is_known_by_its_number() {
        for by in EndedBy::ALL {
            assert_eq!(EndedBy::from(by as u8), by);
        }
    }
}
