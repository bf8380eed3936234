//! Spans of requests that users make themselves.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::Request;
use tracing::Span;

use crate::base::drop_quietly;

type Make = dyn Fn(&Request<()>) -> Span + Send + Sync;

/// Makes the span of a request, of its head.
#[derive(Clone)]
pub(crate) struct MakeSpan(Arc<Make>);

impl MakeSpan {
    pub(crate) fn new(make: impl Fn(&Request<()>) -> Span + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// The request as it was, and its span; none where making it panics.
    pub(crate) fn of<B>(&self, request: Request<B>) -> (Request<B>, Span) {
        let (parts, body) = request.into_parts();
        let head = Request::from_parts(parts, ());
        let made = catch_unwind(AssertUnwindSafe(|| (self.0)(&head)));
        let span = made.unwrap_or_else(|payload| {
            drop_quietly(payload);
            Span::none()
        });
        (head.map(|()| body), span)
    }
}

impl fmt::Debug for MakeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MakeSpan").finish_non_exhaustive()
    }
}
