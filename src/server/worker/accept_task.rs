//! What a worker does with a connection that it was dealt: a task of its own, from the first byte to the last, or to the server's end.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;

use crate::server::application::Application;
use crate::server::connection::protocol::Protocol;
use crate::server::connection::serve::serve;
use crate::server::connection::state::Connection;
use crate::server::listen::{Accepted, Peer, RawStream, Socket};
use crate::server::state::WorkerState;
#[cfg(feature = "tls")]
use crate::server::tls::{ServerTls, handshake};
use crate::server::worker::stream_executor::{StreamExecutor, WorkerSet};

/// Begins the connections of a server on a worker. Dropping it drops them all.
#[derive(Debug)]
pub(crate) struct ConnectionStarter<A> {
    protocol: Protocol,
    application: A,
    shared: Arc<WorkerState>,
    connections: JoinSet<()>,
}

impl<A: Application> ConnectionStarter<A> {
    pub(crate) fn new(application: A, shared: Arc<WorkerState>, worker_set: WorkerSet) -> Self {
        let protocol = Protocol::new(&shared.options, StreamExecutor::new(Arc::clone(&shared), worker_set));
        Self { protocol, application, shared, connections: JoinSet::new() }
    }

    /// Forgets connections that are over, for ever.
    pub(crate) async fn forget(&mut self) {
        while self.connections.join_next().await.is_some() {}
        std::future::pending().await
    }

    /// Begins to serve a connection, on the current runtime.
    pub(crate) fn begin(&mut self, accepted: Accepted) {
        let Accepted { stream, place } = accepted;
        if let Err(error) = self.try_begin(stream, place) {
            tracing::warn!(%error, "lost a {} connection: its socket cannot be watched; is the limit of open files too low?", self.shared.options.protocol);
        }
    }

    fn try_begin(&mut self, stream: RawStream, place: Option<OwnedSemaphorePermit>) -> io::Result<()> {
        match stream {
            RawStream::Tcp(stream) => {
                let stream = TcpStream::from_std(stream)?;
                #[cfg(feature = "tls")]
                if let Some(tls) = self.shared.options.tls.clone() {
                    self.serve_tls(stream, tls, place);
                    return Ok(());
                }
                let peer = self.application.peer_of(Socket::Tcp(&stream));
                self.serve(stream, peer, place);
            }
            RawStream::Unix(stream) => {
                let stream = UnixStream::from_std(stream)?;
                let peer = self.application.peer_of(Socket::Unix(&stream));
                self.serve(stream, peer, place);
            }
            RawStream::InMemory(stream) => {
                let peer = self.application.peer_of(Socket::InMemory);
                self.serve(stream, peer, place);
            }
        }
        Ok(())
    }

    fn serve<I>(&mut self, io: I, peer: Peer, place: Option<OwnedSemaphorePermit>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = Connection::new(Arc::clone(&self.shared));
        let serving = serve(io, peer, self.protocol.clone(), self.application.clone(), connection);
        self.spawn(async move {
            let _place = place;
            serving.await;
        });
    }

    fn spawn(&mut self, serving: impl Future<Output = ()> + Send + 'static) {
        self.connections.spawn(self.shared.tasks.track_future(serving));
    }

    #[cfg(feature = "tls")]
    fn serve_tls(&mut self, stream: TcpStream, tls: ServerTls, place: Option<OwnedSemaphorePermit>) {
        let connection = Connection::new(Arc::clone(&self.shared));
        let (protocol, application) = (self.protocol.clone(), self.application.clone());
        self.spawn(async move {
            let _place = place;
            let Some(stream) = handshake(&tls, stream, &connection).await else { return };
            let peer = application.peer_of(Socket::Tls(&stream));
            serve(stream, peer, protocol, application, connection).await;
        });
    }
}
