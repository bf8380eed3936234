//! What an observer of calls is told of the end of each.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tonic::Code;
use tracing::Span;

use crate::base::drop_quietly;
use crate::grpc::logging::EndedBy;

/// The end of a call, as [`GrpcServerOptions::on_call_end`](crate::GrpcServerOptions::on_call_end) tells of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallEnd<'a> {
    /// Its path, `/package.Service/Method`; `_OTHER` where nobody serves it, so that what peers invent is no name.
    pub method: &'a str,
    /// Its path as it was called, served or not: what a peer chose is cut to 256 bytes and escaped.
    pub path: &'a str,
    /// Its status.
    pub code: Code,
    /// What ended it.
    pub ended_by: EndedBy,
    /// The time since it arrived.
    pub elapsed: Duration,
    /// Its span, as `make_span` made it; else the span `call`, or none.
    pub span: &'a Span,
}

type Observe = dyn Fn(&CallEnd<'_>) + Send + Sync;

/// Is told of the end of each call.
#[derive(Clone)]
pub(crate) struct OnCallEnd(Arc<Observe>);

impl OnCallEnd {
    pub(crate) fn new(observe: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    /// A panic of the observer is its own.
    pub(crate) fn tell(&self, end: &CallEnd<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.0)(end))).map_err(drop_quietly);
    }
}

impl fmt::Debug for OnCallEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnCallEnd").finish_non_exhaustive()
    }
}
