//! What an observer of requests is told of the end of each.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, Version};
use tracing::Span;

use crate::base::{EndedBy, drop_quietly};

/// The end of a request, as [`HttpServerOptions::on_request_end`](crate::http::HttpServerOptions::on_request_end) tells of it: the last of
/// its answer has gone to the socket, or will not.
#[derive(Debug)]
#[non_exhaustive]
pub struct RequestEnd<'a> {
    /// Its method, which may be a peer's invention.
    pub method: &'a Method,
    /// Its route, where [`Route::name`](crate::http::Route::name) told it, by [`name_routes`](crate::http::name_routes) for example.
    pub route: Option<&'a str>,
    /// Whether it came over TLS.
    pub is_secure: bool,
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
