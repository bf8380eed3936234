//! What a request is counted and shown as: its method, and its route, or the first segment of its path.

use std::sync::OnceLock;

use http::uri::PathAndQuery;
use http::{Method, Uri};

use crate::base::peer_text;
use crate::server::open_calls::CallLabel;

/// How many bytes of a path's first segment are shown.
const LONGEST_SEGMENT: usize = 64;

/// How long a path is kept as it is, to be looked at when it is shown; of a longer one no more than is shown.
const LONGEST_KEPT: usize = 256;

/// `GET /users/..`.
#[derive(Debug)]
pub(crate) struct RequestLabel {
    method: Method,
    path: Option<PathAndQuery>,
    shown: OnceLock<Box<str>>,
    /// By its route, once that is known.
    routed: OnceLock<Box<str>>,
}

impl RequestLabel {
    pub(crate) fn of(method: &Method, uri: &Uri) -> Self {
        let label = Self {
            method: method.clone(),
            path: uri.path_and_query().cloned(),
            shown: OnceLock::new(),
            routed: OnceLock::new(),
        };
        if uri.path_and_query().is_some_and(|path| path.as_str().len() > LONGEST_KEPT) {
            label.name();
            return Self { path: None, ..label };
        }
        label
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// Its route, once that is known.
    pub(crate) fn route(&self) -> Option<&str> {
        self.routed.get().and_then(|routed| routed.split_once(' ')).map(|(_, route)| route)
    }

    pub(crate) fn name_route(&self, route: &str) {
        self.routed.get_or_init(|| {
            let method = peer_text::shown_within(self.method.as_str(), LONGEST_SEGMENT);
            format!("{method} {}", peer_text::shown(route)).into()
        });
    }
}

/// The method may be a peer's invention, too.
fn shown(method: &Method, path: &str) -> Box<str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (first, more) = match path.split_once('/') {
        Some((first, _)) => (first, "/.."),
        None => (path, ""),
    };
    let method = peer_text::shown_within(method.as_str(), LONGEST_SEGMENT);
    format!("{method} /{}{more}", peer_text::shown_within(first, LONGEST_SEGMENT)).into()
}

impl CallLabel for RequestLabel {
    fn name(&self) -> &str {
        if let Some(routed) = self.routed.get() {
            return routed;
        }
        self.shown.get_or_init(|| shown(&self.method, self.path.as_ref().map_or("", PathAndQuery::path)))
    }

    fn is_endless(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g17_a_request_is_shown_by_its_method_and_its_route_or_the_first_segment_of_its_path() {
        let shown = |path: &str| RequestLabel::of(&Method::GET, &path.parse().unwrap()).name().to_owned();
        assert_eq!(shown("/"), "GET /");
        assert_eq!(shown("/users?secret=1"), "GET /users");
        assert_eq!(shown("/users/7/orders"), "GET /users/..");
        assert_eq!(shown("http://host/a/b"), "GET /a/..");
        assert!(shown(&format!("/{}/b", "x".repeat(14_000))).len() < 80);
        let label = RequestLabel::of(&Method::GET, &"/users/7/orders".parse().unwrap());
        assert_eq!(label.name(), "GET /users/..");
        label.name_route("/users/{id}/orders");
        label.name_route("/users/{id}");
        assert_eq!(label.name(), "GET /users/{id}/orders");
        let invented = Method::from_bytes("M".repeat(1000).as_bytes()).unwrap();
        assert!(RequestLabel::of(&invented, &"/".parse().unwrap()).name().len() < 80);
    }
}
