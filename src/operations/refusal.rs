//! Why a request is not answered as it asks.

use http::StatusCode;
use serde::Serialize;

/// What went wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    #[serde(skip)]
    pub(crate) status: StatusCode,
    error: String,
    hint: String,
    /// The methods that the path has, where it has not the one that was asked for.
    #[serde(skip)]
    pub(super) allow: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, error: error.into(), hint: hint.into(), allow: None }
    }

    pub(super) fn bad_request(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, hint)
    }

    pub(super) fn forbidden(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error, hint)
    }

    pub(super) fn method(allow: &'static str) -> Self {
        let error = format!("this path is for {allow} alone");
        let hint = "nothing is changed by GET, and orders are given by POST";
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, error, hint) }
    }

    pub(super) fn over() -> Self {
        let hint = "it has come to its end: look at its exit code and its log";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the manager is over", hint)
    }

    pub(super) fn silent() -> Self {
        let hint = "its thread does not get on: an observer or a subscriber of the log may block it";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the manager does not answer", hint)
    }

    pub(super) fn text(&self) -> String {
        format!("{}\n{}\n", self.error, self.hint)
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
