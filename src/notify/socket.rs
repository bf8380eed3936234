//! The socket that systemd is told by: datagrams to a path, or to an abstract address of Linux.

use std::ffi::OsStr;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg_addr};

/// Why systemd cannot be told. Text for the log.
#[derive(Debug, thiserror::Error)]
#[error(
    "systemd is not told of this process: {what} at NOTIFY_SOCKET={address:?} ({source}). Start the process by a unit of Type=notify, unset \
     the variable, or switch this off by ManagerOptions::notify_systemd(false)"
)]
pub(crate) struct SocketError {
    what: &'static str,
    address: String,
    source: io::Error,
}

/// Where datagrams go. Sending never blocks.
#[derive(Debug)]
pub(crate) struct Socket {
    socket: UnixDatagram,
    to: SocketAddr,
    address: String,
}

impl Socket {
    pub(crate) fn open(address: &OsStr) -> Result<Self, SocketError> {
        let shown = address.to_string_lossy().into_owned();
        let open = || {
            let to = parse(address)?;
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            Ok((socket, to))
        };
        match open() {
            Ok((socket, to)) => Ok(Self { socket, to, address: shown }),
            Err(source) => Err(SocketError { what: "there is no socket", address: shown, source }),
        }
    }

    /// Sends a datagram, whole.
    pub(crate) fn send(&self, text: &str) -> io::Result<()> {
        self.socket.send_to_addr(text.as_bytes(), &self.to).map(drop)
    }

    /// The same with a descriptor.
    pub(crate) fn send_with(&self, text: &str, descriptor: &impl AsFd) -> io::Result<()> {
        let descriptor = [descriptor.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&descriptor)) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let to = to_rustix(&self.to)?;
        let text = [IoSlice::new(text.as_bytes())];
        sendmsg_addr(&self.socket, &to, &text, &mut control, SendFlags::empty())?;
        Ok(())
    }

    /// What to log of a datagram that was not sent.
    pub(crate) fn refused(&self, source: io::Error) -> SocketError {
        SocketError { what: "a datagram could not be sent", address: self.address.clone(), source }
    }
}

/// Whether it may be sent a moment later: the receiver has not yet read what came before.
pub(crate) fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.raw_os_error() == Some(nix::errno::Errno::ENOBUFS as i32)
}

/// The same address for a message with a descriptor, which the standard library does not send.
fn to_rustix(address: &SocketAddr) -> io::Result<SocketAddrUnix> {
    if let Some(path) = address.as_pathname() {
        return Ok(SocketAddrUnix::new(path)?);
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        if let Some(name) = address.as_abstract_name() {
            return Ok(SocketAddrUnix::new_abstract_name(name)?);
        }
    }
    Err(io::ErrorKind::Unsupported.into())
}

fn parse(address: &OsStr) -> io::Result<SocketAddr> {
    match address.as_encoded_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(address),
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] if !name.is_empty() => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(name)
        }
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "it is neither a path nor an abstract address")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g18_an_address_that_is_none_is_refused_with_what_to_do() {
        for address in ["vsock:2:1234", "@", "run/systemd/notify", &format!("/{}", "long".repeat(100))] {
            let error = Socket::open(OsStr::new(address)).unwrap_err().to_string();
            assert!(error.contains(address) && error.contains("notify_systemd(false)"), "{error}");
        }
    }

    #[test]
    fn g18_where_nobody_reads_a_datagram_is_refused_at_once() {
        let socket = Socket::open(OsStr::new("/nowhere/at/all")).unwrap();
        let error = socket.send("READY=1").unwrap_err();
        assert!(!is_full(&error), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn g18_a_receiver_that_does_not_read_blocks_nobody() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("majordomo-full-{}", std::process::id());
        let receiver = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let socket = Socket::open(OsStr::new(&format!("@{name}"))).unwrap();
        let refused = std::iter::repeat_with(|| socket.send("STATUS=again")).find_map(Result::err);
        assert!(refused.is_some_and(|error| is_full(&error)));
        let mut first = [0; 32];
        let length = receiver.recv(&mut first).unwrap();
        assert_eq!(&first[..length], b"STATUS=again");
        socket.send("STATUS=there is room again").unwrap();
    }
}
