//! What handlers are told of their peer, where tonic's handlers look for it.

use http::Extensions;
#[cfg(feature = "tls")]
use tonic::transport::server::TlsConnectInfo;
use tonic::transport::server::{Connected, TcpConnectInfo, UdsConnectInfo};

use crate::server::listen::{Peer, Socket};

/// What is known of a peer, as tonic has it.
enum ConnectInfo {
    Tcp(TcpConnectInfo),
    #[cfg(feature = "tls")]
    Tls(TlsConnectInfo<TcpConnectInfo>),
    Unix(UdsConnectInfo),
    /// There is nothing to tell.
    InMemory,
}

/// Takes down what is known of a peer.
pub(crate) fn of(socket: Socket<'_>) -> Peer {
    let secure = socket.is_secure();
    let (address, info) = match socket {
        Socket::Tcp(stream) => {
            let info = stream.connect_info();
            (info.remote_addr, ConnectInfo::Tcp(info))
        }
        #[cfg(feature = "tls")]
        Socket::Tls(stream) => {
            let info = stream.connect_info();
            (info.get_ref().remote_addr, ConnectInfo::Tls(info))
        }
        Socket::Unix(stream) => (None, ConnectInfo::Unix(stream.connect_info())),
        Socket::InMemory => (None, ConnectInfo::InMemory),
    };
    Peer { address, secure, details: Box::new(info) }
}

/// Tells a call of its peer.
pub(crate) fn insert(peer: &Peer, extensions: &mut Extensions) {
    match peer.details.downcast_ref() {
        Some(ConnectInfo::Tcp(info)) => drop(extensions.insert(info.clone())),
        #[cfg(feature = "tls")]
        Some(ConnectInfo::Tls(info)) => drop(extensions.insert(info.clone())),
        Some(ConnectInfo::Unix(info)) => drop(extensions.insert(info.clone())),
        Some(ConnectInfo::InMemory) | None => {}
    }
}

/// A peer over TCP with these addresses.
#[cfg(test)]
pub(crate) fn addresses(local: Option<std::net::SocketAddr>, remote: Option<std::net::SocketAddr>) -> Peer {
    let info = ConnectInfo::Tcp(TcpConnectInfo { local_addr: local, remote_addr: remote });
    Peer { address: remote, secure: false, details: Box::new(info) }
}
