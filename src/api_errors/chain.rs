//! Finding what a rich error is wrapped in.

use std::error::Error;

use tonic::{Code, Status};

use super::api_error::ApiError;
use super::headers;
use super::sentinel::SentinelError;
use super::source_note::SourceNote;

/// How far down a chain of sources is looked: an error may be its own source.
const MAX_DEPTH: usize = 64;

/// Stands for the error itself in what it was wrapped in.
const PLACEHOLDER: &str = "[error]";

/// The rich error that this one is, or has among its sources: an [`ApiError`], a [`Status`] that tells one, or a sentinel
/// of which no more is known.
///
/// What an error passes off as its own source cannot be seen: a wrapper that is `#[error(transparent)]` hides the error
/// that it wraps. `#[error("{0}")]` reads the same and does not.
///
/// ```
/// use majordomo::api_errors::{self, ERR_NOT_FOUND, ApiError, ErrorGenerator};
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("looking for the hat: {0}")]
/// struct NoHat(#[from] ApiError);
///
/// let error = NoHat(ErrorGenerator::new("attic").error(&ERR_NOT_FOUND));
/// assert!(api_errors::find(&error).is_some_and(|found| found.is(&ERR_NOT_FOUND)));
/// ```
pub fn find(error: &(dyn Error + 'static)) -> Option<ApiError> {
    find_wrapped(error).and_then(|found| found.error.rich())
}

/// What was found in a chain.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) error: Rich,
    /// What it is wrapped in, with a placeholder for itself. `None`: nothing.
    pub(super) context: Option<String>,
}

/// An error that is rich, or can be made so.
#[derive(Debug)]
pub(super) enum Rich {
    Error(ApiError),
    Sentinel(SentinelError),
    /// The status of another service, which is not to be told and tells no rich error.
    Received(Code),
}

impl Rich {
    fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(error) = error.downcast_ref::<ApiError>() {
            return Some(Self::Error(error.clone()));
        }
        if let Some(sentinel) = error.downcast_ref::<SentinelError>() {
            return Some(Self::Sentinel(*sentinel));
        }
        let status = error.downcast_ref::<Status>()?;
        let received = || headers::is_received(status).then(|| Self::Received(status.code()));
        ApiError::from_status(status).map(Self::Error).or_else(received)
    }

    fn rich(self) -> Option<ApiError> {
        match self {
            Self::Error(error) => Some(error),
            Self::Sentinel(sentinel) => {
                sentinel.issued().ok().map(|issued| ApiError::of_sentinel(&sentinel, issued, None))
            }
            Self::Received(_) => None,
        }
    }
}

/// The first rich error of a chain, and what it is wrapped in.
pub(super) fn find_wrapped(error: &(dyn Error + 'static)) -> Option<Found> {
    let mut texts = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| texts.len() < MAX_DEPTH) {
        let found = Rich::of(error);
        texts.push(error.to_string());
        if let Some(error) = found {
            return Some(Found { error, context: context(&texts) });
        }
        next = match error.downcast_ref::<SourceNote>() {
            Some(told) => Some(told.error()),
            None => error.source(),
        };
    }
    None
}

/// The texts of wrappers in one, the outermost first, where the last is that of the error itself. A text that does not
/// have the one below within it, as is the custom in Rust, has it after a colon.
fn context(texts: &[String]) -> Option<String> {
    let within = texts.windows(2).rev().fold(PLACEHOLDER.to_owned(), |within, pair| {
        let (outer, inner) = (&pair[0], &pair[1]);
        if !inner.is_empty() && outer.contains(inner) {
            outer.replace(inner, &within)
        } else {
            format!("{outer}: {within}")
        }
    });
    (within != PLACEHOLDER).then_some(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Option<String> {
        context(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_placeholder_stands_where_the_error_was() {
        assert_eq!(of(&["error"]), None);
        assert_eq!(of(&["outer text: error", "error"]).as_deref(), Some("outer text: [error]"));
        assert_eq!(of(&["error: outer", "error"]).as_deref(), Some("[error]: outer"));
        assert_eq!(of(&["a: b: error", "b: error", "error"]).as_deref(), Some("a: b: [error]"));
        assert_eq!(of(&["error and error", "error"]).as_deref(), Some("[error] and [error]"));
    }

    #[test]
    fn wrappers_that_leave_their_source_to_whoever_prints_are_all_told() {
        assert_eq!(of(&["outer", "error"]).as_deref(), Some("outer: [error]"));
        assert_eq!(of(&["a", "b: error", "error"]).as_deref(), Some("a: b: [error]"));
        assert_eq!(of(&["a: b", "b", "error"]).as_deref(), Some("a: b: [error]"));
        assert_eq!(of(&["outer", ""]).as_deref(), Some("outer: [error]"));
        assert_eq!(of(&["error", "error"]), None, "a wrapper that says nothing");
    }

    #[test]
    fn an_error_that_is_its_own_source_is_given_up() {
        #[derive(Debug, thiserror::Error)]
        #[error("ring")]
        struct Ring;
        #[derive(Debug, thiserror::Error)]
        #[error("endless")]
        struct Endless(#[source] Box<dyn Error + Send + Sync>);
        let deep = (0..1_000)
            .fold(Box::new(Ring) as Box<dyn Error + Send + Sync>, |inner, _| Box::new(Endless(inner)));
        assert!(find(&*deep).is_none());
    }
}
