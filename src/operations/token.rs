//! The token that an order over TCP needs.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use subtle::ConstantTimeEq;

/// How many bytes a token has: fewer could be guessed.
const LEAST: usize = 16;
/// More would not fit beside the rest of a head.
const MOST: usize = 4096;

/// A token that may be asked for. It is shown nowhere.
#[derive(Clone)]
pub(super) struct Token(Arc<str>);

impl Token {
    /// # Errors
    /// Why it cannot be used, without the token itself.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        if !(LEAST..=MOST).contains(&text.len()) {
            return Err(format!("it has {} bytes, and may have {LEAST} to {MOST}", text.len()));
        }
        // What can stand in a field of HTTP, and is one word there.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it has characters other than visible ones of ASCII".to_owned());
        }
        Ok(Self(text.into()))
    }

    /// The same from a file, without the white space around it.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let mut text = String::new();
        let some = MOST as u64 + 64;
        let read = File::open(path).and_then(|file| file.take(some).read_to_string(&mut text));
        read.map_err(|error| error.to_string())?;
        Self::new(text.trim())
    }

    /// Whether it is this one. How long that takes tells nothing of it but its length.
    pub(super) fn is(&self, other: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(other).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g23_a_token_that_could_be_guessed_or_not_be_sent_is_refused() {
        for (text, why) in [
            ("", "it has 0 bytes, and may have 16 to 4096"),
            ("0123456789abcde", "it has 15 bytes, and may have 16 to 4096"),
            ("0123456789 abcdef", "it has characters other than visible ones of ASCII"),
            ("0123456789\u{e9}abcdef", "it has characters other than visible ones of ASCII"),
        ] {
            assert_eq!(Token::new(text).unwrap_err(), why);
        }
        assert!(Token::new(&"x".repeat(MOST + 1)).is_err());
    }

    #[test]
    fn g23_a_token_is_compared_whole_and_never_shown() {
        let token = Token::new("0123456789abcdef").unwrap();
        assert!(token.is(b"0123456789abcdef"));
        for other in ["", "0123456789abcdeF", "0123456789abcde", "0123456789abcdef0"] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{token:?}"), "Token(..)");
    }
}
