//! The peer of a connection.

use std::any::Any;
use std::net::SocketAddr;

use tokio::net::{TcpStream, UnixStream};

/// What a connection came by, for the application to take down what its handlers are told of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Socket<'a> {
    Tcp(&'a TcpStream),
    #[cfg(feature = "tls")]
    Tls(&'a tokio_rustls::server::TlsStream<TcpStream>),
    Unix(&'a UnixStream),
    InMemory,
}

impl Socket<'_> {
    /// Whether it is one of TLS.
    pub(crate) fn is_secure(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(_) => true,
            Self::Tcp(_) | Self::Unix(_) | Self::InMemory => false,
        }
    }
}

/// The peer of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Where it is, where it has an address.
    pub(crate) address: Option<SocketAddr>,
    /// Whether it speaks TLS.
    pub(crate) secure: bool,
    /// What the application knows of it.
    pub(crate) details: Box<dyn Any + Send + Sync>,
}
