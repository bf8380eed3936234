//! Connections that never leave the process.
//!
//! ```text
//!   free --bound by a server--> refuses --the server runs--> listens --its drain begins--> ended --> bound again
//! ```

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

use crate::server::listen::backlog::BACKLOG;

/// How many bytes may be under way in each direction of a connection.
const BUFFER: usize = 64 * 1024;

/// A place in memory where a server of this process accepts calls, for tests without any socket. Clones are the
/// same place.
///
/// It behaves as a socket does: until the server runs, and from the beginning of its drain on, connecting is
/// refused, and calls fail as UNAVAILABLE; connections count and drain as all others. Handlers are told nothing
/// of their peer, and there is no TLS. One server at a time can have it.
///
/// ```
/// use majordomo::clients::InMemory;
/// use majordomo::ping::PingClient;
/// use majordomo::{Manager, ManagerOptions, StartShutdown, WaitForShutdown, WaitUntilRunning};
///
/// # #[actix::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let memory = InMemory::new();
/// let manager = Manager::new(ManagerOptions::new().grpc_in_memory(&memory)).start();
/// manager.send(WaitUntilRunning).await??;
/// PingClient::new(memory.channel()).ping(()).await?;
/// manager.do_send(StartShutdown);
/// manager.send(WaitForShutdown).await??;
/// # Ok(())
/// # }
/// ```
///
/// It is also a connector of tonic's, for an [`Endpoint`](tonic::transport::Endpoint) with settings of its own:
/// `endpoint.connect_with_connector(memory.clone())`.
#[derive(Clone, Default)]
pub struct InMemory(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    Free,
    Bound,
    Listening(mpsc::Sender<DuplexStream>),
    Ended,
}

impl InMemory {
    /// A place that no server has as yet.
    pub fn new() -> Self {
        Self::default()
    }

    async fn connect(self) -> io::Result<TokioIo<DuplexStream>> {
        let refused = |why| Err(io::Error::new(io::ErrorKind::ConnectionRefused, why));
        let ended = "connection refused: the server in memory has ended, or is draining";
        let listener = match &*self.lock() {
            State::Listening(listener) => listener.clone(),
            State::Ended => return refused(ended),
            State::Bound => return refused("connection refused: the server in memory does not run yet"),
            State::Free => return refused("connection refused: no server has this place in memory"),
        };
        let (near, far) = duplex(BUFFER);
        match listener.send(far).await {
            Ok(()) => Ok(TokioIo::new(near)),
            Err(_) => refused(ended),
        }
    }

    /// Takes the place for a server; `None` while another has it.
    pub(crate) fn claim(&self) -> Option<Claim> {
        let mut state = self.lock();
        if matches!(*state, State::Bound | State::Listening(_)) {
            return None;
        }
        *state = State::Bound;
        let (sender, connections) = mpsc::channel(BACKLOG.into());
        Some(Claim { memory: self.clone(), sender: Some(sender), connections })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl tower::Service<Uri> for InMemory {
    type Response = TokioIo<DuplexStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<DuplexStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Connects, whatever the URI says.
    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

impl PartialEq for InMemory {
    /// Whether they are the same place.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for InMemory {}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &*self.lock() {
            State::Free => "free",
            State::Bound => "bound",
            State::Listening(_) => "listening",
            State::Ended => "ended",
        };
        f.debug_tuple("InMemory").field(&format_args!("{state}")).finish()
    }
}

/// A server's hold on its place. Dropping it refuses clients that connect, and those that wait to be accepted.
#[derive(Debug)]
pub(crate) struct Claim {
    memory: InMemory,
    /// Until it listens.
    sender: Option<mpsc::Sender<DuplexStream>>,
    connections: mpsc::Receiver<DuplexStream>,
}

impl Claim {
    /// From here on connecting succeeds.
    pub(crate) fn listen(&mut self) {
        if let Some(sender) = self.sender.take() {
            *self.memory.lock() = State::Listening(sender);
        }
    }

    pub(crate) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<DuplexStream> {
        match self.connections.poll_recv(cx) {
            Poll::Ready(Some(stream)) => Poll::Ready(stream),
            // It is closed by its drop alone.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// Refuses who connects from here on.
    pub(crate) fn refuse(&mut self) {
        *self.memory.lock() = State::Ended;
        self.connections.close();
    }

    /// Those that wait to be accepted.
    pub(crate) fn waiting(&mut self) -> impl Iterator<Item = DuplexStream> {
        std::iter::from_fn(|| self.connections.try_recv().ok())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        *self.memory.lock() = State::Ended;
    }
}
