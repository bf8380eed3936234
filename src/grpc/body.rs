//! The body of an answer: can be ended in its middle, and knows when its bytes have been sent.

use std::fmt;
use std::io::IoSlice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::HeaderMap;
use http_body::{Frame, SizeHint};
use hyper::body::{Buf, Bytes};
use tonic::Status;
use tonic::body::Body;

use super::call::{Call, CallOff, discard};

type Polled = Poll<Option<Result<Frame<CallData>, Status>>>;

/// The body of an answer.
pub(super) struct CallBody {
    /// `None` once it was ended from here.
    body: Option<Body>,
    off: CallOff,
    call: Arc<Call>,
}

impl CallBody {
    pub(super) fn new(body: Body, call: Arc<Call>) -> Self {
        Self { body: Some(body), off: CallOff::default(), call }
    }

    /// Ends the body by trailers.
    fn end(&mut self, status: Status) -> Polled {
        discard(self.body.take());
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }
}

impl http_body::Body for CallBody {
    type Data = CallData;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        match catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx))) {
            Ok(Poll::Ready(Some(Ok(frame)))) => {
                // A stream that always has something to say must be ended, too; trailers that are ready are
                // better than ours.
                if frame.is_data() && this.call.is_off() {
                    let status = this.call.call_off();
                    return this.end(status);
                }
                let call = &this.call;
                let frame = frame.map_data(|bytes| CallData { bytes, _call: Arc::clone(call) });
                Poll::Ready(Some(Ok(frame)))
            }
            Ok(Poll::Ready(Some(Err(status)))) => Poll::Ready(Some(Err(status))),
            Ok(Poll::Ready(None)) => Poll::Ready(None),
            Ok(Poll::Pending) if !this.off.poll(&this.call, cx) => Poll::Pending,
            Ok(Poll::Pending) => {
                let status = this.call.call_off();
                this.end(status)
            }
            Err(payload) => {
                let status = this.call.panicked(payload);
                this.end(status)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), |body| body.size_hint())
    }
}

impl fmt::Debug for CallBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallBody").field("call", &self.call).finish_non_exhaustive()
    }
}

/// Bytes of an answer, which keep their call open until HTTP/2 has let go of them: written, or given up.
#[derive(Debug)]
pub(super) struct CallData {
    bytes: Bytes,
    _call: Arc<Call>,
}

impl Buf for CallData {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        self.bytes.copy_to_bytes(length)
    }
}
