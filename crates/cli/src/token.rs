//! The token that gives the right to order over TCP.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use http::HeaderValue;

use crate::error::CliError;

/// No token is longer; nor is a file of one.
const MOST: u64 = 8192;

/// A token, as it is sent. It is shown nowhere.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) HeaderValue);

impl Token {
    /// Reads a file; white space around the token is left out.
    ///
    /// # Errors
    /// A usage error that names the file.
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        let refused = |why: String| CliError::Usage(format!("the token file {}: {why}", path.display()));
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text));
        read.map_err(|error| refused(error.to_string()))?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused("a token is one word of visible ASCII characters".to_owned()));
        }
        let mut value =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| refused(error.to_string()))?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
