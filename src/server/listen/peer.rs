//! What handlers are told of their peer, where tonic's handlers look for it.

use http::Extensions;
use std::net::SocketAddr;
#[cfg(feature = "tls")]
use tonic::transport::server::TlsConnectInfo;
use tonic::transport::server::{TcpConnectInfo, UdsConnectInfo};

/// The peer of a connection.
#[derive(Debug, Clone)]
pub(crate) enum Peer {
    Tcp(TcpConnectInfo),
    #[cfg(feature = "tls")]
    Tls(TlsConnectInfo<TcpConnectInfo>),
    Unix(UdsConnectInfo),
    /// There is nothing to tell.
    InMemory,
}

impl Peer {
    /// Where it is, where it has an address.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(info) => info.remote_addr,
            #[cfg(feature = "tls")]
            Self::Tls(info) => info.get_ref().remote_addr,
            Self::Unix(_) | Self::InMemory => None,
        }
    }

    /// Tells a call of it.
    pub(crate) fn insert_into(&self, extensions: &mut Extensions) {
        match self {
            Self::Tcp(info) => drop(extensions.insert(info.clone())),
            #[cfg(feature = "tls")]
            Self::Tls(info) => drop(extensions.insert(info.clone())),
            Self::Unix(info) => drop(extensions.insert(info.clone())),
            Self::InMemory => {}
        }
    }
}

/// A peer over TCP with these addresses.
#[cfg(test)]
pub(crate) fn addresses(local: Option<SocketAddr>, remote: Option<SocketAddr>) -> Peer {
    Peer::Tcp(TcpConnectInfo { local_addr: local, remote_addr: remote })
}
