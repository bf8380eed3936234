//! What handlers are told of their peer, where tonic's handlers look for it.

use http::Extensions;
#[cfg(test)]
use std::net::SocketAddr;
use tonic::transport::server::{TcpConnectInfo, UdsConnectInfo};

/// The peer of a connection.
#[derive(Debug, Clone)]
pub(in crate::grpc) enum Peer {
    Tcp(TcpConnectInfo),
    Unix(UdsConnectInfo),
}

impl Peer {
    /// Tells a call of it.
    pub(in crate::grpc) fn insert_into(&self, extensions: &mut Extensions) {
        match self {
            Self::Tcp(info) => drop(extensions.insert(info.clone())),
            Self::Unix(info) => drop(extensions.insert(info.clone())),
        }
    }
}

/// A peer over TCP with these addresses.
#[cfg(test)]
pub(in crate::grpc) fn addresses(local: Option<SocketAddr>, remote: Option<SocketAddr>) -> Peer {
    Peer::Tcp(TcpConnectInfo { local_addr: local, remote_addr: remote })
}
