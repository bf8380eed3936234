//! The answer to a request, whoever gives it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;

use crate::grpc::call::response_future::ResponseFuture;
use crate::grpc::port::body::PortBody;
use crate::grpc::port::web::WebAnswer;
use crate::http::HttpAnswer;
use crate::server::application::{Answer, StreamHints};

/// The answer to a request, on its way.
pub(crate) enum PortAnswer {
    Grpc(Box<ResponseFuture>),
    Http(HttpAnswer),
    Web(Box<WebAnswer>),
}

impl Future for PortAnswer {
    type Output = Result<Response<PortBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Grpc(answer) => Pin::new(answer).poll(cx).map_ok(|response| response.map(PortBody::Grpc)),
            Self::Http(answer) => Pin::new(answer).poll(cx).map_ok(|response| response.map(PortBody::Http)),
            Self::Web(answer) => Pin::new(answer).poll(cx).map_ok(|response| response.map(PortBody::Web)),
        }
    }
}

impl Answer<PortBody> for PortAnswer {
    fn stream_hints(&self) -> StreamHints {
        match self {
            Self::Grpc(answer) => answer.stream_hints(),
            Self::Http(answer) => answer.stream_hints(),
            Self::Web(answer) => answer.stream_hints(),
        }
    }
}
