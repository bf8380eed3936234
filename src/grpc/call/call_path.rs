//! What a call is shown and counted as.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use http::Uri;
use http::uri::PathAndQuery;

use crate::base::peer_text;
use crate::events::OTHER_METHODS;
use crate::grpc::register::methods::Method;
use crate::server::open_calls::CallLabel;

/// The path of a call as its client wrote it, as far as it may be shown. It is kept where no method knows its own.
#[derive(Debug)]
pub(crate) enum CallPath {
    /// Looked at when it is first shown, which most are not; `None`: as it is.
    Whole { path: PathAndQuery, shown: OnceLock<Option<Box<str>>> },
    /// One that is kept no longer than it is shown.
    Cut(Box<str>),
}

impl CallPath {
    pub(crate) fn of(uri: &Uri) -> Self {
        match uri.path_and_query() {
            Some(whole) if whole.as_str().len() <= peer_text::LONGEST => {
                Self::Whole { path: whole.clone(), shown: OnceLock::new() }
            }
            _ => Self::Cut(peer_text::shown(uri.path()).into()),
        }
    }

    fn shown(&self) -> &str {
        match self {
            Self::Cut(shown) => shown,
            Self::Whole { path, shown } => {
                let path = path.path();
                let changed = || match peer_text::shown(path) {
                    Cow::Borrowed(_) => None,
                    Cow::Owned(changed) => Some(changed.into()),
                };
                shown.get_or_init(changed).as_deref().unwrap_or(path)
            }
        }
    }
}

/// `/package.Service/Method`, as it was called.
pub(crate) fn path_of<'a>(method: &'a Method, path: Option<&'a CallPath>) -> &'a str {
    method.path().or(path.map(CallPath::shown)).unwrap_or_default()
}

/// The same where calls are counted by method: all that are not served count as one.
pub(crate) fn counted_as<'a>(method: &'a Method, path: Option<&'a CallPath>) -> &'a str {
    if method.served { path_of(method, path) } else { OTHER_METHODS }
}

/// The label of a call among those that are open.
pub(crate) fn label(method: &Arc<Method>, path: Option<&Arc<CallPath>>) -> Arc<dyn CallLabel> {
    match path {
        // A path is kept where no method knows its own: such a call is no watch.
        Some(path) if method.served => Arc::clone(path) as Arc<dyn CallLabel>,
        _ => Arc::clone(method) as Arc<dyn CallLabel>,
    }
}

impl CallLabel for CallPath {
    fn name(&self) -> &str {
        self.shown()
    }

    fn is_endless(&self) -> bool {
        false
    }
}

impl CallLabel for Method {
    fn name(&self) -> &str {
        counted_as(self, None)
    }

    fn is_endless(&self) -> bool {
        self.is_watch()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g17_methods_that_nobody_serves_count_as_one_and_are_shown_short_and_escaped() {
        let path =
            |more| CallPath::of(&Uri::try_from(format!("/\u{9b}\u{202e}{}", "x".repeat(more))).unwrap());
        let (unknown, served) = (Method::default(), Method { served: true, ..Method::default() });
        for (path, length) in [(path(10), 25), (path(14_000), 256)] {
            assert_eq!(counted_as(&unknown, Some(&path)), "_OTHER");
            // What nothing describes may be any of a service's methods.
            for shown in [path_of(&unknown, Some(&path)), counted_as(&served, Some(&path))] {
                assert!(shown.len() == length && shown.is_ascii(), "{shown}");
            }
        }
    }
}
