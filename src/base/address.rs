//! Where a server is bound.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// An address at which a gRPC server accepts calls. Displayed, and serialised, as it could be given to
/// [`ManagerOptions::grpc_server_address`](crate::ManagerOptions::grpc_server_address): `127.0.0.1:50051`,
/// `unix:/run/example.sock`; or as `in-memory`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrpcAddress {
    /// TCP. The port is never 0.
    Tcp(SocketAddr),
    /// A Unix socket with a file.
    Unix(PathBuf),
    /// A Unix socket with a name of Linux's abstract namespace.
    UnixAbstract(String),
    /// A place in the memory of this process: [`InMemory`](crate::clients::InMemory).
    InMemory,
}

impl GrpcAddress {
    /// The address, where it is one of TCP.
    pub fn as_tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            _ => None,
        }
    }
}

impl fmt::Display for GrpcAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::UnixAbstract(name) => write!(f, "unix-abstract:{name}"),
            Self::InMemory => f.write_str("in-memory"),
        }
    }
}

impl Serialize for GrpcAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_could_be_given_where_it_could() {
        for (address, text) in [
            (GrpcAddress::Tcp(([127, 0, 0, 1], 7).into()), "127.0.0.1:7"),
            (GrpcAddress::Unix("/run/a.sock".into()), "unix:/run/a.sock"),
            (GrpcAddress::UnixAbstract("a".into()), "unix-abstract:a"),
            (GrpcAddress::InMemory, "in-memory"),
        ] {
            assert_eq!(address.to_string(), text);
            assert_eq!(serde_json::to_value(&address).unwrap(), text);
            assert_eq!(address.as_tcp().is_some(), matches!(address, GrpcAddress::Tcp(_)));
        }
    }
}
