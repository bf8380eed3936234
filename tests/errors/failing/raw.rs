//! The gRPC service `test.Failing` of somebody who sends whatever they like.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;

/// Ends every call as NOT_FOUND, "gone", with these details.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) details: HeaderValue,
    /// In trailers after a message; otherwise with the headers.
    pub(crate) late: bool,
}

/// A message, then trailers.
struct Frames(Vec<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let next = if self.0.is_empty() { None } else { Some(Ok(self.0.remove(0))) };
        Poll::Ready(next)
    }
}

impl NamedService for Raw {
    const NAME: &'static str = "test.Failing";
}

impl tower::Service<Request<Body>> for Raw {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let mut end = HeaderMap::new();
        end.insert("grpc-status", HeaderValue::from_static("5"));
        end.insert("grpc-message", HeaderValue::from_static("gone"));
        end.insert("grpc-status-details-bin", self.details.clone());
        let mut response = Response::new(Body::empty());
        if self.late {
            let message = Frame::data(Bytes::from_static(&[0, 0, 0, 0, 0]));
            *response.body_mut() = Body::new(Frames(vec![message, Frame::trailers(end)]));
        } else {
            *response.headers_mut() = end;
        }
        response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        ready(Ok(response))
    }
}
