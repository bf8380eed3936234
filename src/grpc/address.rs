//! Where the server listens.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::lookup_host;

/// An address to listen on, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    text: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Ip(SocketAddr),
    /// `:PORT`: all interfaces, IPv6 and IPv4, as in Go.
    Everywhere(u16),
    Host(String, u16),
}

impl ServerAddress {
    /// Understands `HOST:PORT`, `IPV4:PORT`, `[IPV6]:PORT` and `:PORT`; port 0 is any that is free.
    ///
    /// # Errors
    /// What is wrong with it, without the address itself.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let place = Self::place(text)?;
        Ok(Self { text: text.to_owned(), place })
    }

    fn place(text: &str) -> Result<Place, String> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if text.starts_with("unix:") {
            return Err("Unix sockets are not supported yet".to_owned());
        }
        if text.contains("://") {
            return Err("it is a URL".to_owned());
        }
        if let Ok(address) = text.parse() {
            return Ok(Place::Ip(address));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err("it has no port".to_owned());
        };
        if host.contains(':') && !host.starts_with('[') {
            return Err("an IPv6 address must stand in brackets".to_owned());
        }
        if port.is_empty() {
            return Err("it has no port".to_owned());
        }
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("its port {port:?} is no number"));
        }
        let Ok(port) = port.parse() else {
            return Err(format!("its port {port} is greater than 65535"));
        };
        if host.is_empty() {
            return Ok(Place::Everywhere(port));
        }
        if host.starts_with('[') {
            return Err(format!("{host} is no IPv6 address"));
        }
        let digits = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
        if host.split('.').all(digits) {
            return Err(format!("{host} is no IPv4 address"));
        }
        let part_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !host.bytes().all(part_of_a_name) {
            return Err(format!("{host:?} is no name of a host"));
        }
        Ok(Place::Host(host.to_owned(), port))
    }

    /// The socket addresses to try, in this order. IPv4 comes first where a name has both, as in Go.
    pub(super) async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        match &self.place {
            Place::Ip(address) => Ok(vec![*address]),
            Place::Everywhere(port) => {
                Ok(vec![(Ipv6Addr::UNSPECIFIED, *port).into(), (Ipv4Addr::UNSPECIFIED, *port).into()])
            }
            Place::Host(host, port) => {
                let mut found: Vec<_> = lookup_host((host.as_str(), *port)).await?.collect();
                found.sort_by_key(SocketAddr::is_ipv6);
                Ok(found)
            }
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_as_go_writes_them() {
        for text in [
            "0.0.0.0:50051",
            "127.0.0.1:0",
            "localhost:0",
            "[::1]:0",
            ":50051",
            "my-host.example:80",
            crate::grpc::DEFAULT_GRPC_ADDRESS,
        ] {
            assert_eq!(ServerAddress::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(ServerAddress::parse(":7").unwrap().place, Place::Everywhere(7));
        assert_eq!(ServerAddress::parse("[::1]:7").unwrap().place, Place::Ip("[::1]:7".parse().unwrap()));
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "it is empty"),
            ("localhost", "it has no port"),
            ("localhost:", "it has no port"),
            ("localhost:http", "its port \"http\" is no number"),
            ("localhost:-1", "its port \"-1\" is no number"),
            ("localhost:65536", "its port 65536 is greater than 65535"),
            ("::1:50051", "an IPv6 address must stand in brackets"),
            ("[::g]:1", "[::g] is no IPv6 address"),
            ("256.0.0.1:1", "256.0.0.1 is no IPv4 address"),
            ("http://x:1", "it is a URL"),
            ("a b:1", "\"a b\" is no name of a host"),
            ("unix:/tmp/x", "Unix sockets are not supported yet"),
        ] {
            assert_eq!(ServerAddress::parse(text).unwrap_err(), reason, "{text:?}");
        }
    }

    #[tokio::test]
    async fn a_name_is_tried_at_its_ipv4_addresses_first() {
        let found = ServerAddress::parse("localhost:0").unwrap().resolve().await.unwrap();
        assert!(found.is_sorted_by_key(SocketAddr::is_ipv6) && !found.is_empty());
    }
}
