//! Where the endpoint is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// An address as users write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A host and a port.
    Tcp(String),
    Unix(PathBuf),
}

/// Why a text is no address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address: give host:port, :port, or unix:PATH")]
pub(crate) struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(wrong()) } else { Ok(Self::Unix(path.into())) };
        }
        // A port alone, as the endpoint's own option takes it.
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let is_port =
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
        let of_host = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
        let is_v6 = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
        if !is_port || !(host.chars().all(of_host) || is_v6) {
            return Err(wrong());
        }
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        Ok(Self::Tcp(format!("{host}:{port}")))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Address {
    /// What a request names as its host.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::Tcp(address) => address,
            Self::Unix(_) => "localhost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_port_a_host_with_a_port_or_a_path() {
        for (text, wanted) in [
            (":9000", "127.0.0.1:9000"),
            ("9000", "127.0.0.1:9000"),
            ("ops.example:80", "ops.example:80"),
            ("10.0.0.1:1", "10.0.0.1:1"),
            ("[::1]:9000", "[::1]:9000"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:a.sock", "unix:a.sock"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), wanted);
        }
        for wrong in [
            "",
            ":",
            ":0",
            ":99999",
            "host",
            "host:",
            "http://host:1",
            "host:1/status",
            "::1:9000",
            "unix:",
            "a b:1",
        ] {
            assert_eq!(wrong.parse::<Address>(), Err(AddressError(wrong.to_owned())), "{wrong}");
        }
    }
}
