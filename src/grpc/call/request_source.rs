//! Where the body of a call comes from.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use hyper::body::{Bytes, Incoming};
use tonic::Status;

use crate::base::peer_text;
use crate::grpc::logging::BROKE_OFF;

/// The body of a call: as its peer sends it, or translated from another protocol.
#[derive(Debug)]
pub(crate) enum RequestSource {
    Sent(Incoming),
    Translated(tonic::body::Body),
}

/// The error may hold what the peer said at the end.
fn broke_off(status: &Status) -> Status {
    Status::new(status.code(), format!("{BROKE_OFF}{}", peer_text::shown(status.message())))
}

impl Body for RequestSource {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match &mut *self {
            Self::Sent(body) => {
                let polled = Pin::new(body).poll_frame(cx);
                // With the code that tonic itself would have.
                polled.map_err(|error| broke_off(&Status::from_error(error.into())))
            }
            Self::Translated(body) => Pin::new(body).poll_frame(cx).map_err(|status| broke_off(&status)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Sent(body) => body.is_end_stream(),
            Self::Translated(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Sent(body) => body.size_hint(),
            Self::Translated(_) => SizeHint::default(),
        }
    }
}
