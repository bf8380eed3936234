//! What is told of a request over HTTP, to be counted or not.

use std::time::Duration;

use http::{Method, StatusCode, Version};

/// What is told of a request over HTTP when it is over.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "prometheus"), expect(dead_code, reason = "nobody counts"))]
pub(crate) struct RequestFacts<'a> {
    pub(crate) method: &'a Method,
    /// What the program calls it, where it does.
    pub(crate) route: Option<&'a str>,
    /// Whether it came over TLS.
    pub(crate) secure: bool,
    pub(crate) version: Version,
    /// `None`: none was sent.
    pub(crate) status: Option<StatusCode>,
    /// Whether the answer was sent to its end.
    pub(crate) is_whole: bool,
    pub(crate) took: Duration,
}
