//! Calls of gRPC-Web, from browsers, as calls of gRPC: tonic-web translates both ways.
//!
//! ```text
//!   request   application/grpc-web[-text] --tonic-web--> application/grpc --> a call like any other
//!   answer    trailers as the last frame of the body <--tonic-web-- trailers <--+
//! ```
//!
//! The translation is around the whole call: so its deadline, the limits, the drain, and what is refused before any handler are told
//! in the body, too, where browsers can read it. A call is open until the last translated byte has gone to the socket.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body::Frame;
use hyper::body::{Bytes, Incoming};
use tonic::Status;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service};

use crate::grpc::application::GrpcApplication;
use crate::grpc::call::body::{CallBody, CallData};
use crate::grpc::call::call_state::Call;
use crate::grpc::call::request_source::RequestSource;
use crate::grpc::call::response_future::ResponseFuture;
use crate::http::close_after;
use crate::server::application::{Answer, StreamHints};
use crate::server::connection::state::Connection;

/// What tonic-web translates.
const WEB: [&[u8]; 4] = [
    b"application/grpc-web",
    b"application/grpc-web+proto",
    b"application/grpc-web-text",
    b"application/grpc-web-text+proto",
];

/// Whether a request is a call of gRPC-Web.
pub(crate) fn is_web<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
    request.method() == Method::POST && content_type.is_some_and(|kind| WEB.contains(&kind))
}

/// The answer to a call of gRPC-Web, on its way.
pub(crate) struct WebAnswer {
    translated: tonic_web::ResponseFuture<Begun>,
    call: Arc<Call>,
    hints: StreamHints,
    version: Version,
    closing: Arc<AtomicBool>,
}

impl WebAnswer {
    /// Begins to answer a request that [is one](is_web). `closing`: whether clients of HTTP/1.1 are told to come back by another
    /// connection.
    pub(crate) fn begin(
        grpc: &GrpcApplication,
        connection: &Arc<Connection>,
        request: Request<Incoming>,
        closing: &Arc<AtomicBool>,
    ) -> Self {
        let (begun, version) = (Cell::new(None), request.version());
        let translated = GrpcWebLayer::new().layer(Begins { grpc, connection, begun: &begun }).call(request);
        let (call, hints) = begun.take().expect("tonic-web hands on what is one");
        Self { translated, call, hints, version, closing: Arc::clone(closing) }
    }
}

impl Future for WebAnswer {
    type Output = Result<Response<WebBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut response) = ready!(Pin::new(&mut self.translated).poll(cx));
        if self.closing.load(Ordering::Relaxed) || self.call.is_last() {
            close_after(&mut response, self.version);
        }
        let call = Arc::clone(&self.call);
        Poll::Ready(Ok(response.map(|body| WebBody { body, call })))
    }
}

impl Answer<WebBody> for WebAnswer {
    fn stream_hints(&self) -> StreamHints {
        self.hints
    }
}

/// The body of an answer, translated.
pub(crate) struct WebBody {
    body: Body,
    call: Arc<Call>,
}

impl http_body::Body for WebBody {
    type Data = CallData;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<CallData>, Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        polled.map_ok(|frame| frame.map_data(|bytes| CallData::new(bytes, Arc::clone(&this.call))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

/// Begins the call that a request has been translated to.
struct Begins<'a> {
    grpc: &'a GrpcApplication,
    connection: &'a Arc<Connection>,
    begun: &'a Cell<Option<(Arc<Call>, StreamHints)>>,
}

impl Service<Request<Body>> for Begins<'_> {
    type Response = Response<Plain>;
    type Error = Infallible;
    type Future = Begun;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Begun {
        // gRPC needs it for its trailers, which are in the body here.
        *request.version_mut() = Version::HTTP_2;
        let answer = self.grpc.begin(self.connection, request.map(RequestSource::Translated));
        self.begun.set(Some((Arc::clone(answer.call()), answer.stream_hints())));
        Begun(answer)
    }
}

/// The answer to that call, before it is translated.
pub(crate) struct Begun(ResponseFuture);

impl Future for Begun {
    type Output = Result<Response<Plain>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut response) = ready!(Pin::new(&mut self.0).poll(cx));
        let trailers = take_status(response.headers_mut());
        Poll::Ready(Ok(response.map(|body| Plain { body: Some(body), trailers })))
    }
}

/// The status of an answer that is over with its headers.
fn take_status(headers: &mut HeaderMap) -> Option<HeaderMap> {
    let status = headers.remove(Status::GRPC_STATUS)?;
    let mut trailers = HeaderMap::from_iter([(Status::GRPC_STATUS, status)]);
    for name in [Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS] {
        if let Some(value) = headers.remove(&name) {
            trailers.insert(name, value);
        }
    }
    Some(trailers)
}

/// The body of that answer. Its length is not told, since it is another once it is translated.
pub(crate) struct Plain {
    /// `None`: it is over.
    body: Option<CallBody>,
    /// What is all there is of it.
    trailers: Option<HeaderMap>,
}

impl http_body::Body for Plain {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(trailers) = self.trailers.take() {
            self.body = None;
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = ready!(Pin::new(body).poll_frame(cx));
        // Nothing comes after trailers.
        if !matches!(&polled, Some(Ok(frame)) if frame.is_data()) {
            self.body = None;
        }
        Poll::Ready(polled.map(|frame| frame.map(|frame| frame.map_data(CallData::into_bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none() && self.trailers.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g17_only_posts_of_its_four_types_are_calls_of_grpc_web() {
        let of = |method: &str, content_type: &str| {
            let request = Request::builder().method(method).header("content-type", content_type);
            is_web(&request.body(()).unwrap())
        };
        for content_type in WEB {
            let content_type = std::str::from_utf8(content_type).unwrap();
            assert!(of("POST", content_type) && !of("GET", content_type), "{content_type}");
        }
        for other in ["application/grpc", "application/grpc-web+thrift", "application/grpc-websocket", ""] {
            assert!(!of("POST", other), "{other}");
        }
    }

    #[test]
    fn a_status_in_headers_is_taken_out_and_all_else_stays() {
        let mut headers = HeaderMap::new();
        Status::not_found("no such pupil").add_header(&mut headers).unwrap();
        headers.insert("access-control-allow-origin", "*".parse().unwrap());
        let trailers = take_status(&mut headers).unwrap();
        assert_eq!(
            (&trailers["grpc-status"], &trailers["grpc-message"]),
            (&"5".parse().unwrap(), &"no%20such%20pupil".parse().unwrap())
        );
        assert_eq!(headers.len(), 1);
        assert!(take_status(&mut headers).is_none());
    }
}
