//! What listens, and what it accepts.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::server::listen::memory::Claim;
use crate::server::listen::registry::Registration;
use crate::server::listen::unix::SocketFile;

/// Something that connections come from. Dropped, it is closed.
#[derive(Debug)]
pub(crate) struct Listener {
    /// It goes before the socket is closed: until then no other file can be taken for it.
    _file: Option<SocketFile>,
    source: Source,
    /// It has a duplicate of the socket where hand-over is on.
    _registration: Option<Registration>,
}

#[derive(Debug)]
pub(super) enum Source {
    Tcp(TcpListener),
    Unix(UnixListener),
    InMemory(Claim),
}

/// What a connection was accepted as.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    InMemory(DuplexStream),
}

impl Listener {
    pub(super) fn new(file: Option<SocketFile>, source: Source, registration: Option<Registration>) -> Self {
        Self { _file: file, source, _registration: registration }
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        Poll::Ready(match &mut self.source {
            Source::Tcp(listener) => ready!(listener.poll_accept(cx)).map(|(stream, _)| Stream::Tcp(stream)),
            Source::Unix(listener) => {
                ready!(listener.poll_accept(cx)).map(|(stream, _)| Stream::Unix(stream))
            }
            Source::InMemory(claim) => Ok(Stream::InMemory(ready!(claim.poll_accept(cx)))),
        })
    }
}

/// The next connection that has been made by now; `None` where there is none.
pub(crate) async fn accept_made(listeners: &mut [Listener], turn: &mut usize) -> Option<io::Result<Stream>> {
    tokio::select! {
        biased;
        accepted = accept(listeners, turn) => Some(accepted),
        // The system has been asked by then.
        () = tokio::task::yield_now() => None,
    }
}

/// The next connection of any of these. `turn` counts on, so that none of them is always asked first.
pub(crate) async fn accept(listeners: &mut [Listener], turn: &mut usize) -> io::Result<Stream> {
    let count = listeners.len();
    poll_fn(|cx| {
        for at in 0..count {
            let at = (*turn + at) % count;
            if let Poll::Ready(accepted) = listeners[at].poll_accept(cx) {
                *turn = (at + 1) % count;
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn g19_who_was_connected_before_the_end_is_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut listeners, mut turn) = ([Listener::new(None, Source::Tcp(listener), None)], 0);
        for count in [0, 1, 3] {
            // These do not let the runtime look.
            let peers: Vec<_> = (0..count).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
            for _ in peers {
                assert!(matches!(accept_made(&mut listeners, &mut turn).await, Some(Ok(_))));
            }
            assert!(accept_made(&mut listeners, &mut turn).await.is_none());
        }
    }
}
