//! What a call is shown and counted as.

use std::sync::Arc;

use crate::base::peer_text;
use crate::events::OTHER_METHODS;
use crate::grpc::register::methods::Method;
use crate::server::open_calls::CallLabel;

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
        &self.0
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
        let path = CallPath::shown(&format!("/\u{9b}\u{202e}{}", "x".repeat(14_000)));
        let (unknown, served) = (Method::default(), Method { served: true, ..Method::default() });
        assert_eq!(counted_as(&unknown, Some(&path)), "_OTHER");
        // What nothing describes may be any of a service's methods.
        for shown in [path_of(&unknown, Some(&path)), counted_as(&served, Some(&path))] {
            assert!(shown.len() <= 256 && shown.is_ascii(), "{shown}");
        }
    }
}
