//! The body of an answer, whoever gives it.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use hyper::body::{Buf, Bytes};

use crate::base::BoxError;
use crate::grpc::call::body::{CallBody, CallData};
use crate::http::{AnswerBody, Held};

/// The body of an answer.
pub(crate) enum PortBody {
    Grpc(CallBody),
    Http(AnswerBody),
}

/// Bytes of an answer, which keep it open.
#[derive(Debug)]
pub(crate) enum PortData {
    Grpc(CallData),
    Http(Held),
}

macro_rules! either {
    ($self:ident, $it:ident => $what:expr) => {
        match $self {
            Self::Grpc($it) => $what,
            Self::Http($it) => $what,
        }
    };
}

impl Body for PortBody {
    type Data = PortData;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<PortData>, BoxError>>> {
        match &mut *self {
            Self::Grpc(body) => {
                let polled = Pin::new(body).poll_frame(cx).map_err(BoxError::from);
                polled.map_ok(|frame| frame.map_data(PortData::Grpc))
            }
            Self::Http(body) => {
                let polled = Pin::new(body).poll_frame(cx).map_err(BoxError::from);
                polled.map_ok(|frame| frame.map_data(PortData::Http))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        either!(self, body => body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        either!(self, body => body.size_hint())
    }
}

impl Buf for PortData {
    fn remaining(&self) -> usize {
        either!(self, bytes => bytes.remaining())
    }

    fn chunk(&self) -> &[u8] {
        either!(self, bytes => bytes.chunk())
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        either!(self, bytes => bytes.chunks_vectored(slices))
    }

    fn advance(&mut self, count: usize) {
        either!(self, bytes => bytes.advance(count));
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        either!(self, bytes => bytes.copy_to_bytes(length))
    }
}
