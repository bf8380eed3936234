//! The sentinels that come along.

use tonic::Code;

use super::reissue::ReissueError;
use super::sentinel::{SentinelError, SentinelIssuer};

/// The issuer of the default sentinels, unless they are reissued.
pub const DEFAULTS_ISSUER: &str = "GRPEAKEC";

static DEFAULTS: SentinelIssuer = SentinelIssuer::new(DEFAULTS_ISSUER, true);

/// What an error is that is no rich one.
pub static ERR_UNKNOWN: SentinelError =
    DEFAULTS.sentinel("Unknown", 1000, Code::Unknown, "an unknown error occurred");

/// What was asked for does not exist.
pub static ERR_NOT_FOUND: SentinelError =
    DEFAULTS.sentinel("ResourceExists", 1001, Code::NotFound, "requested resource not found");

/// What was to be made exists already.
pub static ERR_ALREADY_EXISTS: SentinelError =
    DEFAULTS.sentinel("AlreadyExists", 1002, Code::AlreadyExists, "resource already exists");

/// What was asked cannot be meant.
pub static ERR_VALIDATION: SentinelError =
    DEFAULTS.sentinel("Validation", 1003, Code::InvalidArgument, "client argument failed validation");

/// Issues the default sentinels under another issuer from now on, their codes shifted from 1000 to 1003 by the offset.
/// In the environment `GRPEAKEC_ERROR_ISSUER` and
/// `GRPEAKEC_ERROR_CODE_OFFSET` do the same.
///
/// # Errors
/// [`ReissueError::Range`] when a code would leave its range. Nothing changes then.
pub fn reissue_default_sentinels(issuer: impl Into<String>, offset: i64) -> Result<(), ReissueError> {
    all().try_for_each(|sentinel| sentinel.code_with(offset).map(drop))?;
    DEFAULTS.reissue(issuer, offset);
    Ok(())
}

/// Whether the default sentinels can be issued.
///
/// # Errors
/// [`ReissueError`] when the environment asks for what cannot be.
pub(crate) fn check_defaults() -> Result<(), ReissueError> {
    all().try_for_each(|sentinel| sentinel.issued().map(drop))
}

fn all() -> impl Iterator<Item = &'static SentinelError> {
    [&ERR_UNKNOWN, &ERR_NOT_FOUND, &ERR_ALREADY_EXISTS, &ERR_VALIDATION].into_iter()
}
