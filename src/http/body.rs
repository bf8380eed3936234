//! The body of a request, and of what is answered where no handler answers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};

use crate::base::BoxError;
use crate::http::call::Call;
use crate::http::silence::Silence;

/// A body: that of a request, as it comes in, or one that is there as a whole.
///
/// Reading that of a request fails where it is longer than
/// [`max_body_size`](crate::http::HttpServerOptions::max_body_size), by `http_body_util`'s `LengthLimitError`, which axum answers by 413; and where nothing of it
/// came for as long as [`body_timeout`](crate::http::HttpServerOptions::body_timeout) says, or, while the server drains, next to nothing for a quarter
/// of the drain.
pub struct Body(Inner);

enum Inner {
    Whole(Option<Bytes>),
    Incoming(Box<Reading>),
}

struct Reading {
    body: Limited<Incoming>,
    call: Arc<Call>,
    silence: Silence,
}

/// Nothing of a request's body came for too long.
#[derive(Debug, thiserror::Error)]
#[error("nothing of the request's body came for too long")]
pub(crate) struct TooSlow;

impl Body {
    /// Of no bytes.
    pub fn empty() -> Self {
        Self(Inner::Whole(None))
    }

    pub(crate) fn incoming(body: Incoming, call: &Arc<Call>) -> Self {
        if body.is_end_stream() {
            return Self::empty();
        }
        let limit = call.max_body_size().unwrap_or(usize::MAX);
        let body = Limited::new(body, limit);
        Self(Inner::Incoming(Box::new(Reading { body, call: Arc::clone(call), silence: Silence::default() })))
    }
}

impl Reading {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let Poll::Ready(frame) = polled else {
            ready!(self.silence.poll(&self.call, cx));
            self.call.body_was_slow();
            return Poll::Ready(Some(Err(TooSlow.into())));
        };
        match &frame {
            Some(Ok(frame)) => self.silence.came(frame.data_ref().map_or(0, Bytes::len), &self.call),
            Some(Err(error)) if error.is::<LengthLimitError>() => self.call.body_was_too_long(),
            Some(Err(_)) => self.call.body_was_broken(),
            None => self.call.body_is_whole(),
        }
        Poll::Ready(frame)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Inner::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Inner::Incoming(reading) => reading.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(bytes) => bytes.is_none(),
            Inner::Incoming(reading) => reading.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Inner::Incoming(reading) => reading.body.size_hint(),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Inner::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from(text).into()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Body").field(&http_body::Body::size_hint(self)).finish()
    }
}
