//! The answer to a request, whoever gives it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Response, Version};

use crate::grpc::call::response_future::ResponseFuture;
use crate::grpc::port::body::PortBody;
use crate::grpc::port::web::WebAnswer;
use crate::http::{HttpAnswer, close_after};
use crate::server::application::{Answer, StreamHints};

/// The answer to a request, on its way.
pub(crate) enum PortAnswer {
    Grpc(Box<ResponseFuture>),
    /// By gRPC, over HTTP/1.1, which it does not speak: the connection ends with it.
    Refused(Box<ResponseFuture>),
    Http(HttpAnswer),
    Web(Box<WebAnswer>),
}

impl Future for PortAnswer {
    type Output = Result<Response<PortBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Grpc(answer) => Pin::new(answer).poll(cx).map_ok(|response| response.map(PortBody::Grpc)),
            Self::Refused(answer) => Pin::new(answer).poll(cx).map_ok(|mut response| {
                close_after(&mut response, Version::HTTP_11);
                response.map(PortBody::Grpc)
            }),
            Self::Http(answer) => Pin::new(answer).poll(cx).map_ok(|response| response.map(PortBody::Http)),
            Self::Web(answer) => Pin::new(answer).poll(cx).map_ok(|response| response.map(PortBody::Web)),
        }
    }
}

impl Answer<PortBody> for PortAnswer {
    fn stream_hints(&self) -> StreamHints {
        match self {
            Self::Grpc(answer) | Self::Refused(answer) => answer.stream_hints(),
            Self::Http(answer) => answer.stream_hints(),
            Self::Web(answer) => answer.stream_hints(),
        }
    }
}
