//! Whether a request is one of gRPC, seen from its head, before anything else of the call.
//!
//! ```text
//!   not POST                                          -> HTTP 405, allow: POST
//!   content-type is not application/grpc[+proto][;..] -> HTTP 415
//!   over HTTP/1                                       -> HTTP 505
//! ```
//!
//! A web page can have any browser send a GET, or a POST of plain text, to any address, without asking first: what is no
//! gRPC must not reach a handler. The answers are those of gRPC's HTTP/2 protocol; a gRPC status beside them tells clients of
//! gRPC that went wrong, as in grpc-go. A missing `te: trailers` is let pass, as there: it tells of proxies
//! that drop trailers, and protects nobody.

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use tonic::Status;
use tonic::body::Body;

use crate::base::peer_text;

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

const GRPC: &[u8] = b"application/grpc";

/// How many bytes the name of an encoding may have: tonic repeats one that it does not know.
const LONGEST_ENCODING: usize = 32;

/// What a call is answered that is not handled.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    http: StatusCode,
    status: Status,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self { http: StatusCode::OK, status }
    }
}

impl Refusal {
    /// The answer, whole.
    pub(crate) fn response(self) -> Response<Body> {
        let mut response = self.status.into_http();
        *response.status_mut() = self.http;
        if self.http == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

/// Why it is no request of gRPC, if it is none. `subtypes` are those beside `proto`.
pub(crate) fn refuse<B>(request: &Request<B>, subtypes: &[Box<str>]) -> Option<Refusal> {
    if request.method() != Method::POST {
        let method = peer_text::shown(request.method().as_str());
        return Some(Refusal {
            http: StatusCode::METHOD_NOT_ALLOWED,
            status: Status::internal(format!("gRPC is called by POST, not by {method}")),
        });
    }
    // Of a few headers a look at each is faster than the map's own way.
    let content_type = request.headers().iter().find(|(name, _)| **name == CONTENT_TYPE);
    let content_type = content_type.map(|(_, value)| value.as_bytes());
    if content_type.is_some_and(|content_type| content_type == GRPC || is_grpc(content_type, subtypes)) {
        return refuse_version(request.version());
    }
    let content_type = content_type.map_or_else(|| "nothing".to_owned(), peer_text::shown_bytes);
    let status = format!(
        "the content-type is {content_type}: send application/grpc, or application/grpc+ with a codec of this server's"
    );
    Some(Refusal { http: StatusCode::UNSUPPORTED_MEDIA_TYPE, status: Status::invalid_argument(status) })
}

/// Over HTTP/1 a client that does not ask for trailers gets none, and with them no status.
fn refuse_version(version: Version) -> Option<Refusal> {
    let told = "gRPC needs HTTP/2: over HTTP/1.1 call by gRPC-Web, where the server speaks it";
    (version < Version::HTTP_2)
        .then(|| Refusal { http: StatusCode::HTTP_VERSION_NOT_SUPPORTED, status: Status::internal(told) })
}

/// `application/grpc`, `+` and a codec that is spoken here, `;` and whatever parameters.
fn is_grpc(content_type: &[u8], subtypes: &[Box<str>]) -> bool {
    let media = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
    let Some((grpc, rest)) = media.split_at_checked(GRPC.len()) else { return false };
    let is_spoken = |subtype: &[u8]| {
        let mut all = subtypes.iter().map(|subtype| subtype.as_bytes()).chain([&b"proto"[..]]);
        all.any(|known| known.eq_ignore_ascii_case(subtype))
    };
    grpc.eq_ignore_ascii_case(GRPC) && (rest.is_empty() || rest.strip_prefix(b"+").is_some_and(is_spoken))
}

/// A `grpc-encoding` that cannot be the name of one.
pub(crate) fn refuse_encoding(headers: &HeaderMap) -> Option<Refusal> {
    let (_, encoding) = headers.iter().find(|(name, _)| **name == GRPC_ENCODING)?;
    let bytes = encoding.as_bytes();
    if bytes.len() <= LONGEST_ENCODING && bytes.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let encoding = peer_text::shown_bytes(bytes);
    Some(
        Status::unimplemented(format!("grpc-encoding is {encoding}, which is no name of an encoding")).into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(method: &str, content_type: Option<&str>) -> Option<Response<Body>> {
        let mut request = Request::builder().method(method).version(Version::HTTP_2);
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        refuse(&request.body(()).unwrap(), &["json".into()]).map(Refusal::response)
    }

    #[test]
    fn g17_only_posts_of_grpc_are_calls() {
        for content_type in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc+json",
            "application/grpc;charset=utf-8",
            "application/grpc+proto ; a=b",
            "Application/gRPC+Proto",
        ] {
            assert!(answer("POST", Some(content_type)).is_none(), "{content_type}");
        }
        for content_type in [
            None,
            Some(""),
            Some("text/plain"),
            Some("text/plain;application/grpc"),
            Some("application/grpc-web"),
            Some("application/grpc-web+proto"),
            Some("application/grpc+"),
            Some("application/grpc+thrift"),
            Some("application/grpc+proto2"),
            Some("application/grpcx"),
            Some("application/grp"),
            Some("application/x-www-form-urlencoded"),
        ] {
            let answer = answer("POST", content_type).expect("it is refused");
            assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type:?}");
        }
        for method in ["GET", "HEAD", "PUT", "OPTIONS", "CONNECT", "post", "BREW"] {
            let answer = answer(method, Some("application/grpc")).expect("it is refused");
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(answer.headers()["allow"], "POST", "{method}");
        }
    }

    #[test]
    fn g17_an_encoding_that_is_no_name_is_not_repeated_whole() {
        let of =
            |text: &str| HeaderMap::from_iter([("grpc-encoding".parse().unwrap(), text.parse().unwrap())]);
        for known in ["gzip", "identity", "snappy"] {
            assert!(refuse_encoding(&of(known)).is_none(), "{known}");
        }
        assert!(refuse_encoding(&HeaderMap::new()).is_none());
        for odd in [&"x".repeat(9000), "a b"] {
            let refusal = refuse_encoding(&of(odd)).expect("it is refused");
            assert!(refusal.status.message().len() < 350, "{odd}");
        }
    }
}
