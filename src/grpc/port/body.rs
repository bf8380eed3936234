//! The body of an answer, whoever gives it.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use hyper::body::{Buf, Bytes};

use crate::base::BoxError;
use crate::grpc::call::body::{CallBody, CallData};
use crate::grpc::port::web::WebBody;
use crate::http::{AnswerBody, Held};

/// The body of an answer.
pub(crate) enum PortBody {
    Grpc(CallBody),
    Http(AnswerBody),
    Web(WebBody),
}

/// Bytes of an answer, which keep it open.
#[derive(Debug)]
pub(crate) enum PortData {
    Grpc(CallData),
    Http(Held),
}

impl PortData {
    /// Who has them, whoever that is.
    fn held(&mut self) -> &mut dyn Buf {
        match self {
            Self::Grpc(bytes) => bytes,
            Self::Http(bytes) => bytes,
        }
    }
}

impl Body for PortBody {
    type Data = PortData;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<PortData>, BoxError>>> {
        match &mut *self {
            Self::Grpc(body) => polled(body, cx, PortData::Grpc),
            Self::Http(body) => polled(body, cx, PortData::Http),
            Self::Web(body) => polled(body, cx, PortData::Grpc),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Grpc(body) => body.is_end_stream(),
            Self::Http(body) => body.is_end_stream(),
            Self::Web(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Grpc(body) => body.size_hint(),
            Self::Http(body) => body.size_hint(),
            Self::Web(body) => body.size_hint(),
        }
    }
}

fn polled<B>(
    body: &mut B,
    cx: &mut Context<'_>,
    data: fn(B::Data) -> PortData,
) -> Poll<Option<Result<Frame<PortData>, BoxError>>>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    let polled = Pin::new(body).poll_frame(cx);
    polled.map(|frame| frame.map(|frame| frame.map(|frame| frame.map_data(data)).map_err(Into::into)))
}

impl Buf for PortData {
    fn remaining(&self) -> usize {
        match self {
            Self::Grpc(bytes) => bytes.remaining(),
            Self::Http(bytes) => bytes.remaining(),
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Grpc(bytes) => bytes.chunk(),
            Self::Http(bytes) => bytes.chunk(),
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        match self {
            Self::Grpc(bytes) => bytes.chunks_vectored(slices),
            Self::Http(bytes) => bytes.chunks_vectored(slices),
        }
    }

    fn advance(&mut self, count: usize) {
        self.held().advance(count);
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        self.held().copy_to_bytes(length)
    }
}
