//! What is answered, as HTTP.

use std::convert::Infallible;

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;

use super::refusal::Refusal;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const JSON: &str = "application/json";

/// What every answer says: it is of this moment, it is what its type says, and it is for no other origin.
const ALWAYS: [(HeaderName, &str); 3] = [
    (CACHE_CONTROL, "no-store"),
    (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// An answer that is there as a whole.
pub(super) fn whole(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let body: Bytes = body.into();
    let length = HeaderValue::from(body.len());
    let mut response = open(status, kind, Full::new(body).boxed_unsync());
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// An answer of which nobody knows how long it is.
pub(super) fn open(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A refusal, as JSON or as text.
pub(super) fn refused(refusal: &Refusal, as_text: bool) -> Response<Body> {
    let mut response = match as_text {
        true => whole(refusal.status, TEXT, refusal.text()),
        false => whole(refusal.status, JSON, refusal.json()),
    };
    let headers = response.headers_mut();
    if let Some(allow) = refusal.allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if refusal.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// What a connection that is one too many is told, before it has asked anything.
pub(super) fn full(most: usize) -> Vec<u8> {
    let refusal = Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("{most} connections are open, and no more are served at once"),
        "close those that are not needed, and come back",
    );
    let body = refusal.json();
    let length = body.len();
    format!("HTTP/1.1 503 Service Unavailable\r\ncontent-type: {JSON}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}
