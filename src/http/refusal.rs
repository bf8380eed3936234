//! What is answered where no handler answers: a status and a line of text.

use http::{HeaderValue, Response, StatusCode, Version, header};

use crate::base::EndedBy;
use crate::server::request_head::HeadFault;

/// Why a request is not answered by its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request's head is none that a server may accept.
    Head(HeadFault),
    /// The request's body cannot be understood.
    Malformed,
    /// The request's body did not come in time.
    SlowRequest,
    /// It is longer than it may be.
    TooLong,
    /// Its handler panicked, or failed.
    Failed,
    /// The server has as many open as it may.
    Full,
    /// The server is going away, or this connection is.
    GoingAway,
    /// Its handler took too long.
    TooSlow,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Head(HeadFault::Coding) => StatusCode::NOT_IMPLEMENTED,
            Self::Head(_) | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::SlowRequest => StatusCode::REQUEST_TIMEOUT,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Full | Self::GoingAway => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooSlow => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// What an answer with it tells to have ended the request; `None` where that is known already.
    pub(crate) fn ends_by(self) -> Option<EndedBy> {
        match self {
            Self::Failed => None,
            Self::Head(_) => Some(EndedBy::Refusal),
            Self::Malformed | Self::SlowRequest | Self::TooLong => Some(EndedBy::Request),
            Self::Full => Some(EndedBy::Shedding),
            Self::GoingAway => Some(EndedBy::Drain),
            Self::TooSlow => Some(EndedBy::Deadline),
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Head(HeadFault::Host) => "a request has one Host, which is that of its target\n",
            Self::Head(HeadFault::Target) => "the target is none that the method can have\n",
            Self::Head(HeadFault::Framing) => "a body is in chunks once\n",
            Self::Head(HeadFault::Coding) => "of all transfer codings only chunked is understood\n",
            Self::Malformed => "the request's body cannot be understood\n",
            Self::SlowRequest => "the request's body did not come in time\n",
            Self::TooLong => "the request's body is too long\n",
            Self::Failed => "the server failed to answer this request\n",
            Self::Full => "the server has as many requests open as it may: try again later\n",
            Self::GoingAway => "the server is going away: try again\n",
            Self::TooSlow => "the answer took too long\n",
        }
    }

    /// Whether what is left of the request is not worth reading.
    fn ends_the_connection(self) -> bool {
        matches!(self, Self::Head(_) | Self::Malformed | Self::SlowRequest | Self::TooLong | Self::GoingAway)
    }

    pub(crate) fn response(self, version: Version) -> Response<&'static str> {
        let mut response = Response::new(self.text());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.ends_the_connection() {
            close_after(&mut response, version);
        }
        response
    }
}

/// Has the connection end with this answer, where it is one of HTTP/1: HTTP/2 has GOAWAY for that (RFC 9113, section 8.2.2).
pub(crate) fn close_after<B>(response: &mut Response<B>, version: Version) {
    if version < Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}
