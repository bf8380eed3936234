//! Under which issuer and code sentinels are issued.
//!
//! ```text
//!   reissued in the program --else--> by the environment, where the issuer allows --else--> as declared
//! ```
//!
//! Two services that were made apart can so share a backend: one issuer for both, and codes that do not collide.
//! What counts is an issuer's declared name: all that declare the same are reissued together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::sync::{PoisonError, RwLock};

/// Sentinels cannot be issued as somebody asked.
///
/// It comes from [`reissue_default_sentinels`](super::reissue_default_sentinels), and as `ConfigError::Sentinels` when a manager starts.
/// Its text names the issuer, or the variable of the environment, that has to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReissueError {
    /// An environment variable holds no offset.
    #[error(
        "{variable} is {value:?}, which is no whole number: give what is to be added to the codes of {issuer:?}, such \
         as 1000 or -1000, or unset it"
    )]
    Offset {
        /// The variable.
        variable: String,
        /// What it holds.
        value: String,
        /// Whose sentinels it is for.
        issuer: &'static str,
    },
    /// An environment variable holds no name of an issuer.
    #[error(
        "{variable} is {value:?}: give the name that {issuer:?} is to issue its errors under, or unset it"
    )]
    Issuer {
        /// The variable.
        variable: String,
        /// What it holds.
        value: String,
        /// Whose sentinels it is for.
        issuer: &'static str,
    },
    /// With the offset a code would leave what a code can be.
    #[error(
        "{name} of {issuer:?} has the code {code}, which an offset of {offset} takes out of the range from 0 to \
         4294967295: choose another offset"
    )]
    Range {
        /// The sentinel.
        name: &'static str,
        /// Its issuer.
        issuer: &'static str,
        /// Its code as declared.
        code: u32,
        /// What was to be added.
        offset: i64,
    },
}

/// How the sentinels of one issuer are issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Issuing {
    pub(super) issuer: Cow<'static, str>,
    pub(super) offset: i64,
}

type ByIssuer<T> = RwLock<BTreeMap<&'static str, T>>;

static REISSUED: ByIssuer<Issuing> = RwLock::new(BTreeMap::new());
/// As it was when it was first looked at: errors must not change their identity by a call of `set_var`.
static FROM_ENVIRONMENT: ByIssuer<Result<Issuing, ReissueError>> = RwLock::new(BTreeMap::new());

/// How the sentinels of this issuer are issued now.
pub(super) fn issuing(issuer: &'static str, apply_env: bool) -> Result<Issuing, ReissueError> {
    if let Some(reissued) = get(&REISSUED, issuer) {
        return Ok(reissued);
    }
    if !apply_env {
        return Ok(Issuing { issuer: Cow::Borrowed(issuer), offset: 0 });
    }
    get(&FROM_ENVIRONMENT, issuer).unwrap_or_else(|| {
        let mut all = FROM_ENVIRONMENT.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(issuer).or_insert_with(|| from_environment(issuer, |variable| env::var(variable))).clone()
    })
}

/// Issues them so from now on.
pub(super) fn reissue(declared: &'static str, issuing: Issuing) {
    REISSUED.write().unwrap_or_else(PoisonError::into_inner).insert(declared, issuing);
}

fn get<T: Clone>(all: &ByIssuer<T>, issuer: &str) -> Option<T> {
    all.read().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
}

fn from_environment(
    issuer: &'static str,
    variable: impl Fn(&str) -> Result<String, VarError>,
) -> Result<Issuing, ReissueError> {
    let read = |suffix| {
        let name = format!("{issuer}_ERROR_{suffix}");
        let value = match variable(&name) {
            Ok(value) => Some(Ok(value)),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(value)) => Some(Err(value.to_string_lossy().into_owned())),
        };
        value.map(|value| (name, value))
    };
    let renamed = match read("ISSUER") {
        None => Cow::Borrowed(issuer),
        Some((_, Ok(name))) if !name.is_empty() => Cow::Owned(name),
        Some((variable, Ok(value) | Err(value))) => {
            return Err(ReissueError::Issuer { variable, value, issuer });
        }
    };
    let offset = match read("CODE_OFFSET") {
        None => 0,
        Some((variable, Err(value))) => return Err(ReissueError::Offset { variable, value, issuer }),
        Some((variable, Ok(value))) => match value.parse() {
            Ok(offset) => offset,
            Err(_) => return Err(ReissueError::Offset { variable, value, issuer }),
        },
    };
    Ok(Issuing { issuer: renamed, offset })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    /// As the environment would have it.
    fn read(variables: &[(&str, &str)]) -> Result<Issuing, ReissueError> {
        from_environment("CASTLE", |name| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        })
    }

    #[test]
    fn the_environment_names_another_issuer_and_shifts_codes_both_ways() {
        assert_eq!(read(&[]), Ok(Issuing { issuer: "CASTLE".into(), offset: 0 }));
        assert_eq!(
            read(&[("CASTLE_ERROR_ISSUER", "Keep"), ("CASTLE_ERROR_CODE_OFFSET", "-12")]),
            Ok(Issuing { issuer: "Keep".into(), offset: -12 })
        );
        assert_eq!(read(&[("CASTLE_ERROR_CODE_OFFSET", "+7")]).unwrap().offset, 7);
        assert_eq!(read(&[("OTHER_ERROR_CODE_OFFSET", "7")]).unwrap().offset, 0);
    }

    #[test]
    fn what_does_not_parse_is_named_with_its_variable() {
        for value in ["", " 7", "seven", "1e3", "0x10", "99999999999999999999"] {
            let refusal = read(&[("CASTLE_ERROR_CODE_OFFSET", value)]).unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("CASTLE_ERROR_CODE_OFFSET is {value:?}")), "{refusal}");
        }
        let refusal = read(&[("CASTLE_ERROR_ISSUER", "")]).unwrap_err().to_string();
        assert!(refusal.starts_with("CASTLE_ERROR_ISSUER is \"\""), "{refusal}");
    }

    #[test]
    fn what_is_no_text_is_refused_too() {
        let garbled = || Err(VarError::NotUnicode(OsString::from_vec(vec![b'7', 0xff])));
        for (variable, refused) in [("ISSUER", "CASTLE_ERROR_ISSUER"), ("OFFSET", "CASTLE_ERROR_CODE_OFFSET")]
        {
            let read = from_environment("CASTLE", |name| match name.ends_with(variable) {
                true => garbled(),
                false => Err(VarError::NotPresent),
            });
            let refusal = read.unwrap_err().to_string();
            assert!(refusal.starts_with(refused), "{refusal}");
        }
    }
}
