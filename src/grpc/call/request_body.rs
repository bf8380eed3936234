//! The body of a request: it fails where a message is too long, and shows its bytes to the log.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use hyper::body::Bytes;
use tonic::Status;

use crate::grpc::call::framing::{Messages, TooLong};
use crate::grpc::call::request_source::RequestSource;
use crate::grpc::logging::Tap;
use crate::grpc::register::methods::Method;

/// The body of a request: fails where a message is too long, after those before it.
#[derive(Debug)]
pub(crate) struct RequestBody {
    body: RequestSource,
    messages: Messages,
    too_long: Option<TooLong>,
    /// Where messages are logged.
    tap: Option<Box<Tap>>,
    /// Where messages are counted.
    counted: Option<Arc<Method>>,
}

impl RequestBody {
    pub(crate) fn new(
        body: RequestSource,
        limit: u32,
        tap: Option<Box<Tap>>,
        counted: Option<Arc<Method>>,
    ) -> Self {
        Self { body, messages: Messages::new(limit), too_long: None, tap, counted }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if let Some(too_long) = &this.too_long {
            return Poll::Ready(Some(Err(too_long.received())));
        }
        let Poll::Ready(next) = Pin::new(&mut this.body).poll_frame(cx) else { return Poll::Pending };
        let Some(Ok(frame)) = next else { return Poll::Ready(next) };
        let passed = frame.data_ref().map_or(Ok(()), |bytes| this.messages.pass(bytes));
        let passed = match passed {
            Ok(()) => Ok(frame),
            Err(too_long) if too_long.at == 0 => {
                let status = too_long.received();
                this.too_long = Some(too_long);
                Err(status)
            }
            Err(too_long) => {
                let before = frame.map_data(|bytes| bytes.slice(..too_long.at));
                this.too_long = Some(too_long);
                Ok(before)
            }
        };
        if let Some(method) = &this.counted {
            method.meter.received(this.messages.take_begun());
        }
        if let (Some(tap), Ok(frame)) = (&mut this.tap, &passed)
            && let Some(bytes) = frame.data_ref()
        {
            tap.pass(bytes);
        }
        Poll::Ready(Some(passed))
    }

    fn is_end_stream(&self) -> bool {
        self.too_long.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
