//! Where a database is, as a URL says it, and how TLS is meant, by the names of libpq.
//!
//! ```text
//!   sslmode       TLS                        the server's certificate
//!   disable       never                      -
//!   prefer        where the server has it    not looked at; with sslrootcert as in verify-ca
//!   require       always                     the same
//!   verify-ca     always                     is to lead to sslrootcert
//!   verify-full   always                     the same, or to an authority of the system; and is to have the name of the host
//! ```

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::error::{PostgresLeasesError, text};

/// What tokio-postgres does not know, or less of.
const NAMES: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

/// How much the server's certificate must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verify {
    Nothing,
    Chain,
    ChainAndName,
}

/// How TLS is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsPlan {
    pub(crate) verify: Verify,
    /// None: those of the system, where something is verified.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) identity: Option<[PathBuf; 2]>,
}

/// Where a database is.
pub(crate) struct Address {
    pub(crate) config: Config,
    /// None: without TLS.
    pub(crate) tls: Option<TlsPlan>,
}

impl Address {
    /// It may hold a password: what is told is what is wrong with it.
    ///
    /// # Errors
    /// Where it is none, or asks for what is not to be had.
    pub(crate) fn parse(url: &str) -> Result<Self, PostgresLeasesError> {
        Self::read(url).map_err(|reason| PostgresLeasesError::Url { reason })
    }

    fn read(url: &str) -> Result<Self, String> {
        let said = Said::of(url)?;
        let mut config: Config = said.rest.parse().map_err(|error| text(&error))?;
        // A certificate may be of an address, too.
        if config.get_hosts().is_empty() {
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        let (mode, tls) = said.tls()?;
        let is_local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let mode = if is_local { SslMode::Disable } else { mode };
        config.ssl_mode(mode);
        Ok(Self { config, tls: tls.filter(|_| mode != SslMode::Disable) })
    }
}

/// What is said of TLS, by the names, and the rest.
struct Said {
    values: [Option<String>; NAMES.len()],
    rest: String,
}

impl Said {
    fn of(url: &str) -> Result<Self, String> {
        let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        let mut said = Self { values: Default::default(), rest: String::new() };
        if is_url {
            said.read_url(url)?
        } else {
            said.read_pairs(url)
        }
        Ok(said)
    }

    /// Keeps a value that is to be known here.
    fn keeps(&mut self, name: &str, value: &str) -> bool {
        let at = NAMES.iter().position(|known| *known == name);
        if let Some(at) = at {
            // As in libpq, one that is empty was not given.
            self.values[at] = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
        at.is_some()
    }

    fn read_url(&mut self, url: &str) -> Result<(), String> {
        // A password may hold a question mark.
        let after = url.find('@').unwrap_or_default();
        let Some(at) = url[after..].find('?').map(|at| after + at) else {
            self.rest = url.to_owned();
            return Ok(());
        };
        let mut others = Vec::new();
        for pair in url[at + 1..].split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| "a value after the question mark is no UTF-8".to_owned())?;
            if !self.keeps(name, &value) {
                others.push(pair);
            }
        }
        let others = others.join("&");
        let mark = if others.is_empty() { "" } else { "?" };
        self.rest = format!("{}{mark}{others}", &url[..at]);
        Ok(())
    }

    /// `key=value` pairs. What is broken is left to who says what is wrong with it.
    fn read_pairs(&mut self, pairs: &str) {
        let mut left = pairs.trim_start();
        while let Some((name, value, after)) = pair(left) {
            if !self.keeps(name, &value) {
                self.rest.push_str(&left[..left.len() - after.len()]);
                self.rest.push(' ');
            }
            left = after.trim_start();
        }
        self.rest.push_str(left);
    }

    fn tls(self) -> Result<(SslMode, Option<TlsPlan>), String> {
        let [mode, ca, certificate, key] = self.values;
        let is_system = ca.as_deref() == Some("system");
        let mode = mode.as_deref().unwrap_or(if is_system { "verify-full" } else { "prefer" });
        let (ssl_mode, verify) = match mode {
            "disable" => return Ok((SslMode::Disable, None)),
            "prefer" => (SslMode::Prefer, Verify::Nothing),
            "require" => (SslMode::Require, Verify::Nothing),
            "verify-ca" => (SslMode::Require, Verify::Chain),
            "verify-full" => (SslMode::Require, Verify::ChainAndName),
            _ => {
                return Err(
                    "sslmode is none of disable, prefer, require, verify-ca and verify-full".to_owned()
                );
            }
        };
        if is_system && verify != Verify::ChainAndName {
            return Err(format!(
                "sslrootcert=system goes with sslmode=verify-full, not with {mode}: anybody can have a certificate of those"
            ));
        }
        let ca = ca.filter(|_| !is_system).map(PathBuf::from);
        let verify = match (verify, &ca) {
            (Verify::Nothing, Some(_)) => Verify::Chain,
            (Verify::Chain, None) => {
                return Err("sslmode=verify-ca needs sslrootcert=FILE; with the authorities of the system say verify-full".to_owned());
            }
            (verify, _) => verify,
        };
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some([certificate.into(), key.into()]),
            (None, None) => None,
            _ => return Err("sslcert and sslkey go together, each a file in PEM".to_owned()),
        };
        let asks = ssl_mode == SslMode::Require || ca.is_some() || identity.is_some();
        if asks && !cfg!(feature = "tls") {
            return Err(format!(
                "it asks for TLS, with sslmode={mode}: build majordomo-postgres with its feature `tls`, or have another crate do it by PostgresLeases::new"
            ));
        }
        Ok((ssl_mode, Some(TlsPlan { verify, ca, identity })))
    }
}

/// The first of such pairs, and what follows.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let (name, after) = text.split_once('=')?;
    let after = after.trim_start();
    let (is_quoted, after) = after.strip_prefix('\'').map_or((false, after), |after| (true, after));
    let (mut value, mut letters) = (String::new(), after.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            '\'' if is_quoted => return Some((name.trim_end(), value, &after[at + 1..])),
            _ if letter.is_whitespace() && !is_quoted => return Some((name.trim_end(), value, &after[at..])),
            _ => value.push(letter),
        }
    }
    (!is_quoted).then(|| (name.trim_end(), value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn what_is_no_word_of_tls_is_left_as_it_is() {
        for url in [
            "postgres://shop:what%3F&sslmode=no@db:5433/shop?sslmode=disable&application_name=a%20b&connect_timeout=3",
            "user=shop password='what\\'s & sslmode=x' host=db port=5433 sslmode = 'disable'  dbname=shop application_name='a b'",
        ] {
            let Address { config, tls } = address(url);
            assert_eq!((config.get_user(), config.get_dbname()), (Some("shop"), Some("shop")), "{url}");
            assert_eq!(config.get_hosts(), [Host::Tcp("db".to_owned())], "{url}");
            assert_eq!(
                (config.get_ports(), config.get_application_name()),
                (&[5433][..], Some("a b")),
                "{url}"
            );
            let password = String::from_utf8(config.get_password().unwrap().to_vec()).unwrap();
            assert!(password.starts_with("what") && password.contains("sslmode="), "{url}: {password}");
            assert_eq!((config.get_ssl_mode(), tls), (SslMode::Disable, None), "{url}");
        }
    }

    #[test]
    fn a_socket_of_unix_has_no_tls_and_an_address_is_a_name() {
        let local = address("host=/run/postgresql sslmode=prefer dbname=shop");
        assert_eq!((local.config.get_ssl_mode(), local.tls), (SslMode::Disable, None));
        let unnamed = address("hostaddr=192.0.2.1 dbname=shop").config;
        assert_eq!(unnamed.get_hosts(), [Host::Tcp("192.0.2.1".to_owned())]);
    }

    #[test]
    #[cfg(feature = "tls")]
    fn each_sslmode_means_what_it_means_to_libpq() {
        use SslMode::{Prefer, Require};
        use Verify::{Chain, ChainAndName, Nothing};
        for (said, mode, verify, ca) in [
            ("", Prefer, Nothing, None),
            ("sslmode=&sslrootcert=", Prefer, Nothing, None),
            ("sslmode=prefer&sslrootcert=%2Fca%20s", Prefer, Chain, Some("/ca s")),
            ("sslmode=require", Require, Nothing, None),
            ("sslmode=require&sslrootcert=/ca", Require, Chain, Some("/ca")),
            ("sslmode=verify-ca&sslrootcert=/ca", Require, Chain, Some("/ca")),
            ("sslmode=verify-full&sslrootcert=/ca", Require, ChainAndName, Some("/ca")),
            ("sslmode=verify-full", Require, ChainAndName, None),
            ("sslmode=verify-full&sslrootcert=system", Require, ChainAndName, None),
            ("sslrootcert=system", Require, ChainAndName, None),
        ] {
            let Address { config, tls } = address(&format!("postgres://db/shop?{said}"));
            let plan = TlsPlan { verify, ca: ca.map(PathBuf::from), identity: None };
            assert_eq!((config.get_ssl_mode(), tls), (mode, Some(plan)), "{said}");
        }
    }
}
