//! What listens, on its way to whoever accepts.

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{SockRef, Socket};
use tokio::net::{TcpListener, UnixListener};

use crate::base::GrpcAddress;
use crate::server::listen::closing::refuse_new;
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

/// What is kept of a socket that a server of other make accepts from.
#[derive(Debug)]
pub(crate) struct Kept {
    /// It goes before the socket is closed.
    file: Option<SocketFile>,
    socket: Socket,
    registration: Option<Registration>,
}

impl Kept {
    /// From here on who connects is refused, where no other process has the socket, and the system can do that. Whether it is so.
    pub(crate) fn refuse_new(&mut self) -> bool {
        drop(self.file.take());
        let alone = self.registration.as_ref().is_some_and(Registration::withdraw);
        alone && refuse_new(&SockRef::from(&self.socket)).is_ok()
    }

    /// Whether anybody waits to be accepted.
    pub(crate) fn has_waiting(&self) -> bool {
        let mut looked = [PollFd::new(&self.socket, PollFlags::IN)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut looked, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }
}

impl Listening {
    /// Gives it to a server that is not ours; `None` for a place in memory.
    pub(crate) fn into_std(self) -> io::Result<Option<(StdListener, Kept)>> {
        let Way::Socket { address, file, socket, registration } = self.0 else { return Ok(None) };
        let kept = Kept { file, socket: socket.try_clone()?, registration };
        let listener = match address.as_tcp() {
            Some(_) => StdListener::Tcp(socket.into()),
            None => StdListener::Unix(socket.into()),
        };
        Ok(Some((listener, kept)))
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
