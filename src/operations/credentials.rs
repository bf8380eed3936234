//! Who is at the other end of a connection, as far as the system knows.

use std::net::IpAddr;

use tokio::net::{TcpStream, UnixStream};

/// The peer of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// Somebody who reached this address of ours.
    Tcp(IpAddr),
    /// A process of this user; `None` where the system does not tell.
    Unix(Option<u32>),
}

impl Peer {
    pub(super) fn of_tcp(stream: &TcpStream) -> std::io::Result<Self> {
        Ok(Self::Tcp(stream.local_addr()?.ip()))
    }

    pub(super) fn of_unix(stream: &UnixStream) -> Self {
        Self::Unix(stream.peer_cred().ok().map(|credentials| credentials.uid()))
    }

    /// The user that this process works for.
    pub(super) fn own_user() -> u32 {
        rustix::process::geteuid().as_raw()
    }
}
