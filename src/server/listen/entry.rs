//! What becomes of a connection that was accepted: set up where it is TCP, or closed at once where it is one too many.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::DuplexStream;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::server::listen::listener::Stream;
use crate::server::options::EngineOptions;

/// A connection that was accepted, on its way to a worker.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: RawStream,
    /// Held until the connection is closed, where connections are limited.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

/// A stream that no runtime watches.
#[derive(Debug)]
pub(crate) enum RawStream {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
    InMemory(DuplexStream),
}

/// The way in.
#[derive(Debug)]
pub(crate) struct Entry {
    protocol: &'static str,
    nodelay: bool,
    keepalive: Option<Duration>,
    places: Option<Arc<Semaphore>>,
    /// Whether the last connection was one too many.
    full: bool,
}

impl Entry {
    pub(crate) fn new(options: &EngineOptions) -> Self {
        // More than a semaphore has are no limit.
        let places = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            protocol: options.protocol,
            nodelay: options.tcp_nodelay,
            keepalive: options.tcp_keepalive,
            places: options.max_connections.map(places),
            full: false,
        }
    }

    /// Lets a connection in; `None` where it was one too many.
    pub(crate) fn admit(&mut self, stream: Stream) -> io::Result<Option<Accepted>> {
        let place = match &self.places {
            None => None,
            Some(places) => {
                let place = Arc::clone(places).try_acquire_owned().ok();
                // Said once for all that are refused in a row.
                if place.is_none() && !self.full {
                    tracing::warn!(
                        "{} connections are refused: as many are open as max_connections allows; raise it if the process can carry more",
                        self.protocol
                    );
                }
                self.full = place.is_none();
                if self.full {
                    return Ok(None);
                }
                place
            }
        };
        let stream = match stream {
            Stream::Tcp(stream) => RawStream::Tcp(self.as_optioned(stream)?.into_std()?),
            Stream::Unix(stream) => RawStream::Unix(stream.into_std()?),
            Stream::InMemory(stream) => RawStream::InMemory(stream),
        };
        Ok(Some(Accepted { stream, place }))
    }

    fn as_optioned(&self, stream: TcpStream) -> io::Result<TcpStream> {
        stream.set_nodelay(self.nodelay)?;
        if let Some(silence) = self.keepalive {
            SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(silence))?;
        }
        Ok(stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn accepted() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Stream::Tcp(listener.accept().await.unwrap().0), peer)
    }

    #[tokio::test]
    async fn tcp_is_as_the_options_say() {
        let seconds = Duration::from_secs(77);
        for (options, nodelay, keepalive) in [
            (EngineOptions::default(), true, None),
            (EngineOptions { tcp_nodelay: false, ..Default::default() }, false, None),
            (EngineOptions { tcp_keepalive: Some(seconds), ..Default::default() }, true, Some(seconds)),
        ] {
            let (stream, _peer) = accepted().await;
            let accepted = Entry::new(&options).admit(stream).unwrap().unwrap();
            let RawStream::Tcp(stream) = &accepted.stream else { panic!("it was TCP") };
            let socket = SockRef::from(stream);
            assert_eq!(socket.tcp_nodelay().unwrap(), nodelay);
            assert_eq!(socket.keepalive().unwrap(), keepalive.is_some());
            #[cfg(target_os = "linux")]
            assert!(keepalive.is_none_or(|time| socket.tcp_keepalive_time().unwrap() == time));
        }
    }

    #[tokio::test]
    async fn one_connection_too_many_is_closed_until_another_has_gone() {
        let mut entry = Entry::new(&EngineOptions { max_connections: Some(1), ..Default::default() });
        let first = entry.admit(accepted().await.0).unwrap();
        assert!(first.is_some());
        assert!(entry.admit(accepted().await.0).unwrap().is_none());
        drop(first);
        assert!(entry.admit(accepted().await.0).unwrap().is_some());
    }
}
