//! What listens, on its way to whoever accepts.

use std::io;

use socket2::Socket;
use tokio::net::{TcpListener, UnixListener};

use crate::base::GrpcAddress;
use crate::server::listen::listener::{Listener, Source};
use crate::server::listen::memory::Claim;
use crate::server::listen::registry::Registration;
use crate::server::listen::unix::SocketFile;

/// A socket that listens. It does not block.
#[derive(Debug)]
#[non_exhaustive]
pub enum StdListener {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// A Unix socket, with or without a file.
    Unix(std::os::unix::net::UnixListener),
}

#[cfg(test)]
impl From<std::net::TcpListener> for Listening {
    fn from(listener: std::net::TcpListener) -> Self {
        listener.set_nonblocking(true).unwrap();
        let address = GrpcAddress::Tcp(listener.local_addr().unwrap());
        Self(Way::Socket { address, file: None, socket: listener.into(), registration: None })
    }
}

/// An address at which connecting succeeds, to be taken to the runtime on which connections are accepted.
#[derive(Debug)]
pub(crate) struct Listening(pub(super) Way);

#[derive(Debug)]
pub(super) enum Way {
    Socket {
        address: GrpcAddress,
        file: Option<SocketFile>,
        socket: Socket,
        registration: Option<Registration>,
    },
    InMemory(Claim),
}

/// What a socket leaves behind when it closes, kept by a server that is not ours.
#[derive(Debug)]
pub(crate) struct Kept {
    _file: Option<SocketFile>,
    _registration: Option<Registration>,
}

impl Listening {
    /// Gives it to a server that is not ours; `None` for a place in memory.
    pub(crate) fn into_std(self) -> Option<(StdListener, Kept)> {
        let Way::Socket { address, file, socket, registration } = self.0 else { return None };
        let listener = match address.as_tcp() {
            Some(_) => StdListener::Tcp(socket.into()),
            None => StdListener::Unix(socket.into()),
        };
        Some((listener, Kept { _file: file, _registration: registration }))
    }

    /// Watches it on the current runtime.
    pub(crate) fn watch(self) -> io::Result<Listener> {
        Ok(match self.0 {
            Way::InMemory(claim) => Listener::new(None, Source::InMemory(claim), None),
            Way::Socket { address, file, socket, registration } => {
                let source = match address.as_tcp() {
                    Some(_) => Source::Tcp(TcpListener::from_std(socket.into())?),
                    None => Source::Unix(UnixListener::from_std(socket.into())?),
                };
                Listener::new(file, source, registration)
            }
        })
    }
}
