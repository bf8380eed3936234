//! What a worker does with a connection that it was dealt: a task of its own, from the first byte to the last.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;
use tonic::transport::server::Connected;

use crate::grpc::register::router::Router;
use crate::server::connection::serve::{Http2, http2, serve};
use crate::server::connection::state::Connection;
use crate::server::listen::{Accepted, Moving, Peer};
use crate::server::state::WorkerState;
#[cfg(feature = "tls")]
use crate::server::tls::{ServerTls, handshake};
use crate::server::worker::stream_executor::{Crew, Streams};

/// Begins the connections of a worker.
#[derive(Debug)]
pub(crate) struct Host {
    http: Http2,
    router: Router,
    shared: Arc<WorkerState>,
}

impl Host {
    pub(crate) fn new(router: Router, shared: Arc<WorkerState>, crew: Crew) -> Self {
        let http = http2(&shared.options, Streams::new(Arc::clone(&shared), crew));
        Self { http, router, shared }
    }

    /// Begins to serve a connection, on the current runtime.
    pub(crate) fn begin(&self, accepted: Accepted) {
        let Accepted { stream, place } = accepted;
        if let Err(error) = self.try_begin(stream, place) {
            tracing::warn!(%error, "lost a gRPC connection: its socket cannot be watched; is the limit of open files too low?");
        }
    }

    fn try_begin(&self, stream: Moving, place: Option<OwnedSemaphorePermit>) -> io::Result<()> {
        match stream {
            Moving::Tcp(stream) => {
                let stream = TcpStream::from_std(stream)?;
                #[cfg(feature = "tls")]
                if let Some(tls) = &self.shared.options.tls {
                    self.serve_tls(stream, tls.clone(), place);
                    return Ok(());
                }
                let peer = Peer::Tcp(stream.connect_info());
                self.serve(stream, peer, place);
            }
            Moving::Unix(stream) => {
                let stream = UnixStream::from_std(stream)?;
                let peer = Peer::Unix(stream.connect_info());
                self.serve(stream, peer, place);
            }
            Moving::InMemory(stream) => self.serve(stream, Peer::InMemory, place),
        }
        Ok(())
    }

    fn serve<I>(&self, io: I, peer: Peer, place: Option<OwnedSemaphorePermit>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = Connection::new(Arc::clone(&self.shared));
        let serving = serve(io, peer, self.http.clone(), self.router.clone(), connection);
        self.shared.tasks.spawn(async move {
            let _place = place;
            serving.await;
        });
    }

    #[cfg(feature = "tls")]
    fn serve_tls(&self, stream: TcpStream, tls: ServerTls, place: Option<OwnedSemaphorePermit>) {
        let connection = Connection::new(Arc::clone(&self.shared));
        let (http, router) = (self.http.clone(), self.router.clone());
        self.shared.tasks.spawn(async move {
            let _place = place;
            let Some(stream) = handshake(&tls, stream, &connection).await else { return };
            let peer = Peer::Tls(stream.connect_info());
            serve(stream, peer, http, router, connection).await;
        });
    }
}
