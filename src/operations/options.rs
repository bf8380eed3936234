//! The options of the endpoint.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::credentials::Peer;
use super::hosts::Hosts;
use super::rights::Rights;
use super::token::Token;
use crate::report::ConfigError;
use crate::server::listen::ServerAddress;

/// Changes the text of a failure before it is shown.
pub(crate) type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// One HTTP endpoint that shows a manager from outside, for [`ManagerOptions::operations`](crate::ManagerOptions::operations): probes, status,
/// plan, report, events; and orders, for those who have the right.
///
/// It lives on a thread of its own, answers from before the first set-up until after [`Stopped`](crate::events::LifecycleEvent::Stopped), and whatever blocks
/// services or workers does not block it. [The guide](crate::guide::operations) has the paths and the bounds.
///
/// ```
/// use majordomo::{ManagerOptions, Operations};
///
/// let options = ManagerOptions::new().operations(Operations::new("9000").token("a-secret-of-16-bytes-or-more"));
/// ```
#[must_use = "options do nothing until they are given to a manager"]
#[derive(Clone)]
pub struct Operations {
    address: String,
    token: Option<TokenSource>,
    hosts: Vec<String>,
    redact: Option<Redact>,
}

#[derive(Clone)]
enum TokenSource {
    Given(Arc<str>),
    File(PathBuf),
}

/// An endpoint that may work.
#[derive(Clone)]
pub(crate) struct CheckedOperations {
    pub(crate) address: ServerAddress,
    pub(super) rights: Rights,
    pub(crate) redact: Option<Redact>,
}

impl Operations {
    /// At this address: a port alone, `9000`, is that of `127.0.0.1`; else what [`grpc_server_address`](crate::ManagerOptions::grpc_server_address) takes:
    /// `0.0.0.0:9000`, `unix:/run/example/operations.sock`, `systemd:NAME`. Port 0 is any that is free: the event
    /// [`Operations`](crate::events::LifecycleEvent::Operations) and [`ManagerStatus::operations_addresses`](crate::ManagerStatus::operations_addresses) tell which.
    ///
    /// An address in use is refused at once, before anything is set up.
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), token: None, hosts: Vec::new(), redact: None }
    }

    /// Takes orders over TCP from whoever has this token: 16 to 4096 visible characters of ASCII. Replaces what was given before.
    /// Default: none, and no orders over TCP.
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { token: Some(TokenSource::Given(token.into().into())), ..self }
    }

    /// The same, with the token in a file, which is read once, at the start. White space around it is left out.
    pub fn token_file(self, path: impl Into<PathBuf>) -> Self {
        Self { token: Some(TokenSource::File(path.into())), ..self }
    }

    /// Answers requests over TCP for this host, too: a name or an address, without a port. Adds to what was given before. Always allowed are
    /// `localhost`, addresses of loopback, the host of the endpoint's address, and the address at which a connection came in.
    ///
    /// Requests for other hosts are refused: a page on the net can let a name of its own lead here.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Has texts of failures (of errors, panics and forced ends, wherever they stand) pass this function before they are shown. It runs on the
    /// endpoint's thread, and must not block. Replaces what was given before. Default: they are shown as they are.
    ///
    /// ```
    /// # use majordomo::Operations;
    /// let operations = Operations::new("9000").redact(|text| text.replace("hunter2", "..."));
    /// ```
    pub fn redact(self, redact: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self { redact: Some(Arc::new(redact)), ..self }
    }

    /// Whether it can work.
    pub(crate) fn check(&self) -> Result<CheckedOperations, ConfigError> {
        let is_port = !self.address.is_empty() && self.address.bytes().all(|byte| byte.is_ascii_digit());
        let address = if is_port { format!("127.0.0.1:{}", self.address) } else { self.address.clone() };
        let refused = |reason| ConfigError::OperationsAddress { address: self.address.clone(), reason };
        let address = ServerAddress::parse(&address).map_err(refused)?;
        if let Some(host) = self.hosts.iter().find(|host| !is_host(host)) {
            return Err(ConfigError::Option {
                option: "Operations::allow_host",
                value: format!("{host:?}"),
                mend: "give the name or the address of a host, without a port",
            });
        }
        let hosts = self.hosts.iter().cloned().chain(address.host().map(ToOwned::to_owned));
        let rights = Rights { token: self.read_token()?, hosts: Hosts::new(hosts), user: Peer::own_user() };
        Ok(CheckedOperations { address, rights, redact: self.redact.clone() })
    }

    fn read_token(&self) -> Result<Option<Token>, ConfigError> {
        let (origin, token) = match &self.token {
            None => return Ok(None),
            Some(TokenSource::Given(token)) => ("Operations::token".to_owned(), Token::new(token)),
            Some(TokenSource::File(path)) => {
                (format!("the token file {}", path.display()), Token::read(path))
            }
        };
        token.map(Some).map_err(|reason| ConfigError::OperationsToken { origin, reason })
    }
}

fn is_host(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    let part_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    address || (!host.is_empty() && host.bytes().all(part_of_a_name))
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations")
            .field("address", &self.address)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(operations: &Operations) -> String {
        operations.check().err().expect("it cannot work").to_string()
    }

    #[test]
    fn a_port_alone_is_one_of_loopback() {
        let address = |text: &str| Operations::new(text).check().ok().unwrap().address.to_string();
        assert_eq!(address("9000"), "127.0.0.1:9000");
        assert_eq!(address("0.0.0.0:9000"), "0.0.0.0:9000");
        assert_eq!(address("unix:/run/a.sock"), "unix:/run/a.sock");
        for wrong in ["", "99999", "host", "http://localhost:1"] {
            assert!(refused(&Operations::new(wrong)).contains(&format!("{wrong:?}")), "{wrong}");
        }
    }

    #[test]
    fn g23_a_token_that_cannot_be_used_is_refused_by_where_it_came_from() {
        assert!(refused(&Operations::new("0").token("short")).starts_with("Operations::token "));
        let missing = refused(&Operations::new("0").token_file("/nowhere/token"));
        assert!(missing.contains("/nowhere/token") && missing.contains("No such file"), "{missing}");
        let replaced = Operations::new("0").token_file("/nowhere/token").token("0123456789abcdef");
        assert!(replaced.check().is_ok());
        assert!(!format!("{replaced:?}").contains("0123456789abcdef"));
    }

    #[test]
    fn hosts_have_no_port() {
        for host in ["ops.example", "10.0.0.7", "::1", "[::1]"] {
            assert!(Operations::new("0").allow_host(host).check().is_ok(), "{host}");
        }
        for host in ["", "ops.example:80", "http://ops.example", "*", "a b"] {
            assert!(refused(&Operations::new("0").allow_host(host)).contains("without a port"), "{host}");
        }
    }
}
