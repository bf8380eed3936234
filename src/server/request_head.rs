//! What RFC 9110, 9112 and 9113 have a server refuse in the head of a request, as far as hyper lets it pass.
//!
//! What is refused could be read in two ways: by a proxy as one request, by us as another. Which host a request is for, above all, must
//! be the same for whoever looks.

use http::header::{HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadFault {
    /// No host over HTTP/1.1, several, one that is none, or another than the target's (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
    Host,
    /// A target that its method cannot have (RFC 9112, section 3.2), or that names a user (RFC 9110, section 4.2.4).
    Target,
    /// A body that is in chunks more than once (RFC 9112, section 6.1).
    Framing,
    /// A body whose coding nobody here knows (RFC 9112, section 6.1).
    Coding,
}

/// Looks at the head of a request, and has its `Host` be what its target says, where that says it (RFC 9112, section 3.2.2).
pub(crate) fn examine<B>(request: &mut Request<B>) -> Result<(), HeadFault> {
    let (version, method, uri) = (request.version(), request.method(), request.uri());
    let is_http1 = version < Version::HTTP_2;
    if is_http1 {
        framing(request.headers())?;
        target(method, uri)?;
    }
    let host = host(request.headers(), version)?;
    let Some(authority) = uri.authority().filter(|_| method != Method::CONNECT) else { return Ok(()) };
    if authority.as_str().contains('@') {
        return Err(HeadFault::Target);
    }
    if host.is_some_and(|host| !is_same(host.as_bytes(), authority)) {
        if !is_http1 {
            return Err(HeadFault::Host);
        }
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| HeadFault::Target)?;
        request.headers_mut().insert(HOST, host);
    }
    Ok(())
}

/// The one host.
fn host(headers: &HeaderMap, version: Version) -> Result<Option<&HeaderValue>, HeadFault> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version != Version::HTTP_11 => Ok(None),
        (Some(host), None) if host.as_bytes().iter().all(is_of_host) => Ok(Some(host)),
        _ => Err(HeadFault::Host),
    }
}

/// Whether a byte may be part of a host and its port (RFC 3986, section 3.2): no user, no path.
fn is_of_host(byte: &u8) -> bool {
    // A pattern, not a search: this is asked of each byte.
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&' | b'\''
                ..=b',' | b';' | b'=' | b':' | b'[' | b']'
        )
}

/// Whether both are the same place. A port that goes without saying may be said.
fn is_same(host: &[u8], authority: &Authority) -> bool {
    let place = |text: &[u8]| {
        let port = [&b":80"[..], b":443"].into_iter().find_map(|port| text.strip_suffix(port));
        port.unwrap_or(text).to_ascii_lowercase()
    };
    let authority = authority.as_str().as_bytes();
    host.eq_ignore_ascii_case(authority) || place(host) == place(authority)
}

/// The form of a target depends on the method.
fn target(method: &Method, uri: &Uri) -> Result<(), HeadFault> {
    let is_place = uri.scheme().is_none() && uri.authority().is_some();
    let is_right = match *method {
        Method::CONNECT => is_place && uri.port().is_some(),
        Method::OPTIONS => !is_place,
        _ => !is_place && uri.path() != "*",
    };
    if is_right { Ok(()) } else { Err(HeadFault::Target) }
}

/// hyper has seen that the last coding is `chunked`, and takes off that one alone.
fn framing(headers: &HeaderMap) -> Result<(), HeadFault> {
    let lines = headers.get_all(TRANSFER_ENCODING);
    let codings = lines.iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let mut chunked = 0;
    for coding in codings.map(<[u8]>::trim_ascii) {
        if !coding.eq_ignore_ascii_case(b"chunked") {
            return Err(HeadFault::Coding);
        }
        chunked += 1;
    }
    if chunked > 1 { Err(HeadFault::Framing) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Line = (&'static str, &'static str);

    fn examined(version: Version, first: Line, headers: &[Line]) -> Result<Option<String>, HeadFault> {
        let mut request = Request::builder().version(version).method(first.0).uri(first.1);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        examine(&mut request)?;
        Ok(request.headers().get(HOST).map(|host| host.to_str().unwrap().to_owned()))
    }

    #[test]
    fn g17_a_request_is_for_one_host() {
        let get = ("GET", "/");
        let http11 = |headers: &[Line]| examined(Version::HTTP_11, get, headers);
        for host in ["a", "A.example:8080", "[::1]:80", "", "under_score", "x%20y"] {
            assert_eq!(http11(&[("host", host)]), Ok(Some(host.to_owned())));
        }
        assert_eq!(http11(&[]), Err(HeadFault::Host));
        assert_eq!(http11(&[("host", "a"), ("host", "a")]), Err(HeadFault::Host));
        for host in ["a b", "a/b", "u@a", "a,\tb", "a\\b", "a?b", "a#b", "<a>"] {
            assert_eq!(http11(&[("host", host)]), Err(HeadFault::Host), "{host}");
        }
        assert_eq!(examined(Version::HTTP_10, get, &[]), Ok(None));
        assert_eq!(examined(Version::HTTP_10, get, &[("host", "a"), ("host", "b")]), Err(HeadFault::Host));
    }

    #[test]
    fn g17_where_the_target_names_a_host_it_is_that_one() {
        let named = ("GET", "http://real.example/path");
        let other = [("host", "other.example")];
        assert_eq!(examined(Version::HTTP_11, named, &other), Ok(Some("real.example".to_owned())));
        assert_eq!(examined(Version::HTTP_11, named, &[]), Err(HeadFault::Host));
        let user = ("GET", "http://user:word@real.example/");
        assert_eq!(examined(Version::HTTP_11, user, &[("host", "real.example")]), Err(HeadFault::Target));
        // Over HTTP/2 the target always does.
        assert_eq!(examined(Version::HTTP_2, named, &[]), Ok(None));
        for host in ["real.example", "REAL.example:80"] {
            assert_eq!(examined(Version::HTTP_2, named, &[("host", host)]), Ok(Some(host.to_owned())));
        }
        assert_eq!(examined(Version::HTTP_2, named, &other), Err(HeadFault::Host));
    }

    #[test]
    fn g17_a_target_has_the_form_that_its_method_wants() {
        let said = |first| examined(Version::HTTP_11, first, &[("host", "a")]).map(|_| ());
        for right in
            [("GET", "/"), ("OPTIONS", "*"), ("OPTIONS", "/a"), ("CONNECT", "a:443"), ("POST", "http://a/")]
        {
            assert_eq!(said(right), Ok(()), "{right:?}");
        }
        for wrong in [
            ("GET", "*"),
            ("GET", "a:443"),
            ("GET", "path"),
            ("OPTIONS", "a"),
            ("CONNECT", "/a"),
            ("CONNECT", "a"),
        ] {
            assert_eq!(said(wrong), Err(HeadFault::Target), "{wrong:?}");
        }
    }

    #[test]
    fn g17_a_body_comes_in_chunks_or_not_and_in_no_other_coding() {
        let said = |codings: &[&'static str]| {
            let lines = codings.iter().map(|coding| ("transfer-encoding", *coding));
            let headers: Vec<Line> = [("host", "a")].into_iter().chain(lines).collect();
            examined(Version::HTTP_11, ("POST", "/"), &headers).map(|_| ())
        };
        assert_eq!((said(&[]), said(&["Chunked"])), (Ok(()), Ok(())));
        assert_eq!(said(&["chunked", "chunked"]), Err(HeadFault::Framing));
        assert_eq!(said(&["chunked, chunked"]), Err(HeadFault::Framing));
        for unknown in [&["gzip, chunked"][..], &["identity", "chunked"], &["\"chunked\""], &[", chunked"]] {
            assert_eq!(said(unknown), Err(HeadFault::Coding), "{unknown:?}");
        }
    }
}
