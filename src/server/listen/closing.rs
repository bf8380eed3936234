//! The end of sockets that listen: whoever is connected is accepted, whoever comes later is refused.
//!
//! ```text
//!   accept what waits --> nobody new gets in --> accept what got in meanwhile --handshakes end--> accept them --> closed
//! ```
//!
//! Closing a listener resets what waits to be accepted, and somebody can come between the last look and the close: it was connected, may have
//! sent a request, and cannot know whether that was carried out. So the way in is closed first (on Linux; since 5.7 for TCP): at a Unix socket by `shutdown`, at one of
//! TCP by binding it to a device that does not exist (`SO_BINDTOIFINDEX`, socket(7)), so that no segment that begins a connection is for it. Who comes then is refused at once; one whose SYN
//! is being handled in that moment hears nothing, asks again after a second (RFC 6298, section 2.1), and is refused then.
//!
//! A handshake of TCP that is half done when the way is closed is waited for, for [`HANDSHAKES`], where clients connect all the time. That is enough on
//! the same host and in the same data centre; from farther away the drain delay keeps clients from connecting so late.
//!
//! What another process has as well stays open there, and so does its queue: it is only emptied.

use std::io::{self, ErrorKind};
use std::time::Duration;

use socket2::{SockRef, Socket};

use crate::server::listen::backlog::BACKLOG;

/// How long handshakes that are half done are waited for.
pub(crate) const HANDSHAKES: Duration = Duration::from_millis(5);

/// As many are accepted at once as can wait.
const MOST: usize = BACKLOG as usize + 1;

/// The connections that wait at a socket.
pub(super) fn waiting(socket: SockRef<'_>) -> impl Iterator<Item = Socket> {
    let accept = move || loop {
        let one = socket.accept().and_then(|(one, _)| one.set_nonblocking(true).map(|()| one));
        match one.map_err(|error| (error.kind(), error)) {
            Ok(one) => return Some(one),
            // A Unix socket that was shut down listens no more.
            Err((ErrorKind::WouldBlock | ErrorKind::InvalidInput, _)) => return None,
            Err((ErrorKind::ConnectionAborted | ErrorKind::Interrupted, _)) => {}
            Err((_, error)) => {
                tracing::warn!(%error, "connections that wait to be accepted are closed at the end: is the limit of open files too low?");
                return None;
            }
        }
    };
    std::iter::from_fn(accept).take(MOST)
}

/// From here on who connects is refused. What waits to be accepted stays, and handshakes that are half done go on.
#[cfg(target_os = "linux")]
pub(super) fn refuse_new(socket: &SockRef<'_>) -> io::Result<()> {
    if socket.domain()? == socket2::Domain::UNIX {
        socket.shutdown(std::net::Shutdown::Read)
    } else {
        // Of IPv6 as well: it is an option of sockets.
        socket.bind_device_by_index_v4(Some(NO_DEVICE))
    }
}

/// The system counts devices from 1 on.
#[cfg(target_os = "linux")]
const NO_DEVICE: std::num::NonZeroU32 = std::num::NonZeroU32::new(i32::MAX as u32).unwrap();

#[cfg(not(target_os = "linux"))]
pub(super) fn refuse_new(_: &SockRef<'_>) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}
