//! Which error it is: sentinels, and who issues them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use tonic::Code;

use super::reissue::{self, Issuing, ReissueError};

/// Issues the sentinels of one service or backend.
///
/// Where it applies the environment, `<ISSUER>_ERROR_ISSUER` and `<ISSUER>_ERROR_CODE_OFFSET` (a signed number) reissue
/// its sentinels under another issuer, with other codes, so that two services can be merged into one backend. Both are
/// read once, when first a sentinel is used.
///
/// ```
/// use majordomo::api_errors::{SentinelError, SentinelIssuer};
/// use tonic::Code;
///
/// static HOGWARTS: SentinelIssuer = SentinelIssuer::new("Hogwarts", true);
/// static NO_SUCH_HOUSE: SentinelError =
///     HOGWARTS.sentinel("NoSuchHouse", 2001, Code::NotFound, "there is no such house");
/// assert_eq!(NO_SUCH_HOUSE.to_string(), "(NoSuchHouse | Hogwarts | 2001) there is no such house");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SentinelIssuer {
    issuer: &'static str,
    apply_env: bool,
}

impl SentinelIssuer {
    /// An issuer of this name, which the environment may change.
    pub const fn new(issuer: &'static str, apply_env: bool) -> Self {
        Self { issuer, apply_env }
    }

    /// A sentinel: an error that callers can tell from others by its issuer and code. Codes from 1000 to 1999 are used
    /// by the [defaults](super::ERR_UNKNOWN).
    ///
    /// # Panics
    /// When `grpc_code` is [`Code::Ok`], which is no error; a `static` of it does not compile.
    pub const fn sentinel(
        &self,
        name: &'static str,
        code: u32,
        grpc_code: Code,
        default_message: &'static str,
    ) -> SentinelError {
        assert!(!matches!(grpc_code, Code::Ok), "an error is answered with another code than OK");
        SentinelError { issuer: *self, name, code, grpc_code, default_message }
    }

    /// Issues all sentinels of issuers of this name under another issuer from now on, their codes shifted from what they
    /// were declared with; in place of what the environment says or an earlier call said.
    ///
    /// An offset that takes a code out of range is an error where that sentinel is used.
    pub fn reissue(&self, issuer: impl Into<String>, offset: i64) {
        reissue::reissue(self.issuer, Issuing { issuer: Cow::Owned(issuer.into()), offset });
    }
}

/// An error that callers can recognise: equal to every other of the same issuer and code, whatever its name.
///
/// As it is, it may be answered by a handler (`Err(ERR_NOT_FOUND.into())`); with more to tell,
/// [`ErrorGenerator::error`](super::ErrorGenerator::error) makes an [`ApiError`](super::ApiError) of it.
#[derive(Debug, Clone, Copy)]
pub struct SentinelError {
    issuer: SentinelIssuer,
    name: &'static str,
    code: u32,
    grpc_code: Code,
    default_message: &'static str,
}

impl SentinelError {
    /// What is issued as issuer and code.
    ///
    /// # Errors
    /// [`ReissueError`] when the environment, or who reissued it, asks for what cannot be.
    pub fn issued(&self) -> Result<(Cow<'static, str>, u32), ReissueError> {
        let Issuing { issuer, offset } = reissue::issuing(self.issuer.issuer, self.issuer.apply_env)?;
        Ok((issuer, self.code_with(offset)?))
    }

    /// Its code with this offset from what was declared.
    pub(super) fn code_with(&self, offset: i64) -> Result<u32, ReissueError> {
        let shifted = i64::from(self.code).checked_add(offset).and_then(|code| u32::try_from(code).ok());
        shifted.ok_or(ReissueError::Range {
            name: self.name,
            issuer: self.issuer.issuer,
            code: self.code,
            offset,
        })
    }

    /// Whose error it is, as issued.
    ///
    /// # Panics
    /// When it [cannot be issued](Self::issued); the message is that of the error.
    pub fn issuer(&self) -> Cow<'static, str> {
        self.must_be_issued().0
    }

    /// Its code, as issued.
    ///
    /// # Panics
    /// When it [cannot be issued](Self::issued); the message is that of the error.
    pub fn code(&self) -> u32 {
        self.must_be_issued().1
    }

    pub(super) fn must_be_issued(&self) -> (Cow<'static, str>, u32) {
        self.issued().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Its name among people.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The gRPC status code it is answered with.
    pub fn grpc_code(&self) -> Code {
        self.grpc_code
    }

    /// What it says where nothing more is known.
    pub fn default_message(&self) -> &'static str {
        self.default_message
    }
}

impl PartialEq for SentinelError {
    fn eq(&self, other: &Self) -> bool {
        matches!((self.issued(), other.issued()), (Ok(one), Ok(other)) if one == other)
    }
}

impl fmt::Display for SentinelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.issued() {
            Ok((issuer, code)) => {
                write!(f, "({} | {issuer} | {code}) {}", self.name, self.default_message)
            }
            Err(error) => write!(f, "({}) {}: {error}", self.name, self.default_message),
        }
    }
}

impl Error for SentinelError {}

#[cfg(test)]
mod tests {
    use super::*;

    static KEEP: SentinelIssuer = SentinelIssuer::new("sentinel tests: Keep", false);
    static GATE: SentinelError = KEEP.sentinel("Gate", 10, Code::Aborted, "the gate is shut");

    #[test]
    fn issuer_and_code_make_an_error_whatever_its_name() {
        let same = KEEP.sentinel("Door", 10, Code::Internal, "the door is shut");
        assert_eq!(GATE, same);
        assert_ne!(GATE, KEEP.sentinel("Gate", 11, Code::Aborted, "the gate is shut"));
        let other = SentinelIssuer::new("sentinel tests: Tower", false);
        assert_ne!(GATE, other.sentinel("Gate", 10, Code::Aborted, "the gate is shut"));
    }

    #[test]
    fn reissuing_is_relative_to_what_was_declared_and_can_be_taken_back() {
        static CELLAR: SentinelIssuer = SentinelIssuer::new("sentinel tests: Cellar", false);
        static LOCK: SentinelError = CELLAR.sentinel("Lock", 100, Code::Aborted, "locked");
        let issued = || LOCK.issued().map(|(issuer, code)| (issuer.into_owned(), code));
        for (issuer, offset, code) in [("A", 50, 150), ("A", 50, 150), ("B", -100, 0), ("Cellar", 0, 100)] {
            CELLAR.reissue(issuer, offset);
            assert_eq!(issued(), Ok((issuer.to_owned(), code)));
        }
        assert_eq!(LOCK.to_string(), "(Lock | Cellar | 100) locked");
    }

    #[test]
    fn an_offset_that_leaves_the_range_is_an_error_and_no_wrapped_number() {
        static DITCH: SentinelIssuer = SentinelIssuer::new("sentinel tests: Ditch", false);
        static WATER: SentinelError = DITCH.sentinel("Water", 100, Code::Aborted, "wet");
        for offset in [-101, i64::from(u32::MAX) - 99, i64::MIN, i64::MAX] {
            DITCH.reissue("Moat", offset);
            let refused = WATER.issued().unwrap_err().to_string();
            assert!(refused.contains("Water of \"sentinel tests: Ditch\" has the code 100"), "{refused}");
            assert!(refused.contains(&offset.to_string()), "{refused}");
            let panicked = std::panic::catch_unwind(|| WATER.code()).unwrap_err();
            assert_eq!(panicked.downcast_ref::<String>(), Some(&refused));
            assert_ne!(WATER, WATER, "what cannot be issued is equal to nothing");
        }
        for (offset, code) in [(-100, 0), (i64::from(u32::MAX) - 100, u32::MAX)] {
            DITCH.reissue("Moat", offset);
            assert_eq!(WATER.code(), code);
        }
    }
}
