//! What tells one series of requests from the others of its route: a number, since it is looked up for each request.

use http::{Method, Version};

use super::facts::RequestFacts;
use crate::base::EndedBy;

/// What is not known, or is one too many.
pub(super) const OTHER: &str = "_OTHER";

/// Those that OpenTelemetry knows: of RFC 9110, PATCH, and QUERY.
const METHODS: [&str; 10] =
    ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"];

const VERSIONS: [&str; 3] = ["1.1", "2", "1.0"];

/// Method, scheme, version, status, and what went wrong where the status does not say, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Kind(u64);

impl Kind {
    /// Of a request that ended so.
    pub(super) fn of(facts: &RequestFacts<'_>, by: EndedBy) -> Self {
        let status = facts.status.map_or(0, |status| status.as_u16());
        // A status of the server's fault says itself what went wrong.
        let broke_off = !facts.is_whole && status < 500;
        let error = if broke_off { by as u64 + 1 } else { 0 };
        let version = match facts.version {
            Version::HTTP_11 => 0,
            Version::HTTP_2 => 1,
            Version::HTTP_10 => 2,
            _ => 3,
        };
        let secure = u64::from(facts.secure);
        Self(number(facts.method) << 48 | secure << 40 | version << 32 | u64::from(status) << 8 | error)
    }

    pub(super) fn method(self) -> &'static str {
        METHODS.get((self.0 >> 48) as usize).copied().unwrap_or(OTHER)
    }

    pub(super) fn scheme(self) -> &'static str {
        if self.0 >> 40 & 1 == 1 { "https" } else { "http" }
    }

    pub(super) fn version(self) -> &'static str {
        VERSIONS.get((self.0 >> 32 & 0xff) as usize).copied().unwrap_or(OTHER)
    }

    /// 0: none was sent.
    pub(super) fn status(self) -> u16 {
        (self.0 >> 8) as u16
    }

    pub(super) fn error(self) -> Option<&'static str> {
        match self.0 as u8 {
            0 => None,
            number => Some(EndedBy::from(number - 1).word()),
        }
    }
}

/// The place of a method among those that are known; after them, where it is none.
fn number(method: &Method) -> u64 {
    // Most are this one.
    if *method == Method::GET {
        return 0;
    }
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len()) as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;

    #[test]
    fn a_series_is_read_as_it_was_counted() {
        let others = [Method::from_bytes(b"BREW").unwrap()];
        let known = METHODS.iter().map(|method| Method::from_bytes(method.as_bytes()).unwrap());
        for method in known.chain(others) {
            for (version, word) in [
                (Version::HTTP_10, "1.0"),
                (Version::HTTP_11, "1.1"),
                (Version::HTTP_2, "2"),
                (Version::HTTP_3, OTHER),
            ] {
                for (status, secure) in [(None, false), (Some(StatusCode::OK), true)] {
                    let took = Duration::ZERO;
                    let route = None;
                    let facts = RequestFacts {
                        method: &method,
                        route,
                        secure,
                        version,
                        status,
                        is_whole: false,
                        took,
                    };
                    let kind = Kind::of(&facts, EndedBy::Client);
                    let wanted = if method.as_str() == "BREW" { OTHER } else { method.as_str() };
                    assert_eq!((kind.method(), kind.version()), (wanted, word));
                    assert_eq!(kind.scheme(), if secure { "https" } else { "http" });
                    assert_eq!(kind.status(), status.map_or(0, |status| status.as_u16()));
                    assert_eq!(kind.error(), Some("client"));
                    let whole = RequestFacts { is_whole: true, ..facts };
                    assert_eq!(Kind::of(&whole, EndedBy::Handler).error(), None);
                }
            }
        }
    }
}
