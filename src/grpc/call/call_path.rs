//! What a call is shown and counted as.

use crate::base::peer_text;
use crate::events::OTHER_METHODS;
use crate::grpc::register::methods::Method;

/// The path of a call as its client wrote it, as far as it may be shown. It is kept where no method knows its own.
#[derive(Debug)]
pub(crate) struct CallPath(Box<str>);

impl CallPath {
    pub(crate) fn shown(path: &str) -> Self {
        Self(peer_text::shown(path).into())
    }
}

/// `/package.Service/Method`, as it was called.
pub(crate) fn path_of<'a>(method: &'a Method, path: Option<&'a CallPath>) -> &'a str {
    method.path().or(path.map(|path| &*path.0)).unwrap_or_default()
}

/// The same where calls are counted by method: all that are not served count as one.
pub(crate) fn counted_as<'a>(method: &'a Method, path: Option<&'a CallPath>) -> &'a str {
    if method.served { path_of(method, path) } else { OTHER_METHODS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g17_methods_that_nobody_serves_count_as_one_and_are_shown_short_and_escaped() {
        let path = CallPath::shown(&format!("/\u{9b}\u{202e}{}", "x".repeat(14_000)));
        let (unknown, served) = (Method::default(), Method { served: true, ..Method::default() });
        assert_eq!(counted_as(&unknown, Some(&path)), "_OTHER");
        // What nothing describes may be any of a service's methods.
        for shown in [path_of(&unknown, Some(&path)), counted_as(&served, Some(&path))] {
            assert!(shown.len() <= 256 && shown.is_ascii(), "{shown}");
        }
    }
}
