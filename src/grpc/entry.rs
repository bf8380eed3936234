//! What becomes of a connection that was accepted: set up as TCP, or closed at once where it is one too many.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::options::GrpcServerOptions;
use super::worker::Accepted;

/// The way in.
#[derive(Debug)]
pub(super) struct Entry {
    nodelay: bool,
    keepalive: Option<Duration>,
    places: Option<Arc<Semaphore>>,
    /// Whether the last connection was one too many.
    full: bool,
}

impl Entry {
    pub(super) fn new(options: &GrpcServerOptions) -> Self {
        // More than a semaphore has are no limit.
        let places = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            nodelay: options.tcp_nodelay,
            keepalive: options.tcp_keepalive,
            places: options.max_connections.map(places),
            full: false,
        }
    }

    /// Lets a connection in; `None` where it was one too many.
    pub(super) fn admit(&mut self, stream: TcpStream) -> io::Result<Option<Accepted>> {
        let place = match &self.places {
            None => None,
            Some(places) => {
                let place = Arc::clone(places).try_acquire_owned().ok();
                // Said once for all that are refused in a row.
                if place.is_none() && !self.full {
                    tracing::warn!(
                        "gRPC connections are refused: as many are open as max_connections allows"
                    );
                }
                self.full = place.is_none();
                if self.full {
                    return Ok(None);
                }
                place
            }
        };
        stream.set_nodelay(self.nodelay)?;
        if let Some(silence) = self.keepalive {
            SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(silence))?;
        }
        Ok(Some(Accepted { stream: stream.into_std()?, place }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn accepted() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, peer)
    }

    #[tokio::test]
    async fn tcp_is_as_the_options_say() {
        let seconds = Duration::from_secs(77);
        for (options, nodelay, keepalive) in [
            (GrpcServerOptions::new(), true, None),
            (GrpcServerOptions::new().tcp_nodelay(false), false, None),
            (GrpcServerOptions::new().tcp_keepalive(seconds), true, Some(seconds)),
        ] {
            let (stream, _peer) = accepted().await;
            let accepted = Entry::new(&options).admit(stream).unwrap().unwrap();
            let socket = SockRef::from(&accepted.stream);
            assert_eq!(socket.tcp_nodelay().unwrap(), nodelay);
            assert_eq!(socket.keepalive().unwrap(), keepalive.is_some());
            #[cfg(target_os = "linux")]
            assert!(keepalive.is_none_or(|time| socket.tcp_keepalive_time().unwrap() == time));
        }
    }

    #[tokio::test]
    async fn one_connection_too_many_is_closed_until_another_has_gone() {
        let mut entry = Entry::new(&GrpcServerOptions::new().max_connections(1));
        let first = entry.admit(accepted().await.0).unwrap();
        assert!(first.is_some());
        assert!(entry.admit(accepted().await.0).unwrap().is_none());
        drop(first);
        assert!(entry.admit(accepted().await.0).unwrap().is_some());
    }
}
