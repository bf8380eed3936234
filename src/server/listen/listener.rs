//! What listens, and what it accepts until its end, which is in `closing.rs`.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::server::listen::closing::{HANDSHAKES, refuse_new, waiting};
use crate::server::listen::memory::Claim;
use crate::server::listen::registry::Registration;
use crate::server::listen::unix::SocketFile;

/// Something that connections come from. Dropped, it is closed.
#[derive(Debug)]
pub(crate) struct Listener {
    /// It goes before the socket is closed: until then no other file can be taken for it.
    file: Option<SocketFile>,
    source: Source,
    /// It has a duplicate of the socket where hand-over is on.
    registration: Option<Registration>,
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
        Self { file, source, registration }
    }

    /// Nobody new gets in: accepts all who did. Whether the handshakes of others may be half done; where another process has the socket, too,
    /// they are its own.
    pub(super) fn close_way(&mut self, accepted: &mut Vec<Stream>) -> bool {
        drop(self.file.take());
        let alone = self.registration.as_ref().is_some_and(Registration::withdraw);
        self.accept_waiting(accepted);
        let closed = alone && self.source.socket().is_some_and(|socket| refuse_new(&socket).is_ok());
        if let Source::InMemory(claim) = &mut self.source {
            claim.refuse();
        }
        self.accept_waiting(accepted);
        closed && matches!(self.source, Source::Tcp(_))
    }

    /// Accepts all who wait. One that cannot be watched is closed.
    pub(super) fn accept_waiting(&mut self, accepted: &mut Vec<Stream>) {
        match &mut self.source {
            Source::InMemory(claim) => accepted.extend(claim.waiting().map(Stream::InMemory)),
            source => {
                let sockets = source.socket().into_iter().flat_map(waiting);
                accepted.extend(sockets.filter_map(|socket| source.watch(socket).ok()));
            }
        }
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

impl Source {
    fn socket(&self) -> Option<SockRef<'_>> {
        match self {
            Self::Tcp(listener) => Some(SockRef::from(listener)),
            Self::Unix(listener) => Some(SockRef::from(listener)),
            Self::InMemory(_) => None,
        }
    }

    fn watch(&self, accepted: Socket) -> io::Result<Stream> {
        match self {
            Self::Tcp(_) => TcpStream::from_std(accepted.into()).map(Stream::Tcp),
            _ => UnixStream::from_std(accepted.into()).map(Stream::Unix),
        }
    }
}

/// Closes the listeners, and returns those that are connected and were not accepted. `busy`: clients connect all the time. It takes no longer than `at_most`.
pub(crate) async fn close(mut listeners: Vec<Listener>, busy: bool, at_most: Duration) -> Vec<Stream> {
    let (mut last, mut half_done) = (Vec::new(), false);
    for listener in &mut listeners {
        half_done |= listener.close_way(&mut last);
    }
    if half_done && (busy || !last.is_empty()) {
        tokio::time::sleep(HANDSHAKES.min(at_most)).await;
        listeners.iter_mut().for_each(|listener| listener.accept_waiting(&mut last));
    }
    last
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
    use std::io::{ErrorKind, Read};
    use std::thread;

    use socket2::SockAddr;

    use super::*;
    use crate::server::listen::{Listening, ServerAddress, bind_at_once};

    async fn listener(address: &str) -> (Listener, SockAddr) {
        let mut bound = bind_at_once(&ServerAddress::parse(address).unwrap()).await.unwrap();
        let bound = bound.remove(0);
        let at = match bound.address().as_tcp() {
            Some(at) => at.into(),
            None => SockAddr::unix(format!("\0{}", address.trim_start_matches("unix-abstract:"))).unwrap(),
        };
        (bound.listen().unwrap().watch().unwrap(), at)
    }

    fn connect(at: &SockAddr) -> io::Result<Socket> {
        let socket = Socket::new(at.domain(), socket2::Type::STREAM, None)?;
        socket.connect(at).map(|()| socket)
    }

    #[tokio::test]
    async fn g19_each_who_connects_is_accepted_or_refused() {
        let name = format!("unix-abstract:majordomo-closing-{}", std::process::id());
        for address in ["127.0.0.1:0", "[::1]:0", &name].repeat(20) {
            let (listener, at) = listener(address).await;
            let client = |_| {
                let at = at.clone();
                thread::spawn(move || {
                    for connected in 0.. {
                        match connect(&at) {
                            // It is told of its being accepted by its end, or is reset.
                            Ok(mut socket) => assert_eq!(socket.read(&mut [0]).unwrap(), 0),
                            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return connected,
                            Err(error) => panic!("{error}"),
                        }
                    }
                    unreachable!("it counts on");
                })
            };
            let clients: Vec<_> = (0..4).map(client).collect();
            let (mut listeners, mut turn) = (vec![listener], 0);
            for _ in 0..50 {
                drop(accept(&mut listeners, &mut turn).await.unwrap());
            }
            let last = close(listeners, true, HANDSHAKES).await.len();
            let connected: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
            assert_eq!(connected, 50 + last, "{address}");
        }
    }

    #[tokio::test]
    async fn g19_a_socket_that_another_has_as_well_goes_on_there() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (other, at) = (socket.try_clone().unwrap(), socket.local_addr().unwrap().into());
        let listener = Listening::from(socket).watch().unwrap();
        let first = connect(&at).unwrap();
        assert_eq!(close(vec![listener], true, HANDSHAKES).await.len(), 1);
        let second = connect(&at).expect("the other still listens");
        other.set_nonblocking(false).unwrap();
        other.accept().unwrap();
        drop((first, second));
    }

    #[tokio::test]
    async fn g19_who_is_connected_in_memory_is_accepted_and_others_are_refused() {
        let memory = crate::server::listen::InMemory::new();
        let bound = bind_at_once(&ServerAddress::in_memory(&memory)).await.unwrap().remove(0);
        let listener = bound.listen().unwrap().watch().unwrap();
        let connect = || tower::ServiceExt::oneshot(memory.clone(), http::Uri::from_static("http://a"));
        let _peer = connect().await.unwrap();
        assert_eq!(close(vec![listener], false, HANDSHAKES).await.len(), 1);
        assert_eq!(connect().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}
