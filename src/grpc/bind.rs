//! Binding the port without listening on it.
//!
//! From set-up on the port is ours, yet until the run whoever connects is refused: no call waits in a
//! backlog while services are still being set up. A port that somebody listens on is found in use here,
//! at set-up (on Unix `SO_REUSEADDR` ignores only the remains of closed connections).

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::Instant;

use super::address::ServerAddress;
use super::error::ServerError;
use crate::service::ShutdownSignal;

/// How long a port in use is tried again.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How many connections may wait for being accepted.
const BACKLOG: i32 = 1024;

/// A port that is ours, on which nobody listens yet.
#[derive(Debug)]
pub(super) struct Bound {
    socket: Socket,
    address: SocketAddr,
}

/// Binds; while the port is in use again and again, for half a minute or until shutdown is asked for.
pub(super) async fn bind(wanted: &ServerAddress, shutdown: &ShutdownSignal) -> Result<Bound, ServerError> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let source = match try_all(wanted).await {
            Ok(bound) => return Ok(bound),
            Err(error) => error,
        };
        let address = wanted.to_string();
        if source.kind() != io::ErrorKind::AddrInUse {
            return Err(ServerError::Bind { address, source });
        }
        let waited = began.elapsed();
        let asked = shutdown.is_requested();
        if asked || waited >= PATIENCE {
            return Err(ServerError::InUse { address, waited, asked, source });
        }
        if pause == FIRST_PAUSE {
            tracing::warn!(address, "the port is in use; trying for {PATIENCE:?} to get it");
        }
        tokio::select! {
            () = tokio::time::sleep(pause.min(PATIENCE - waited)) => {}
            () = shutdown.requested() => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Binds the first address that works. One that is in use is not passed over for the next: it is where
/// clients will look for us.
async fn try_all(wanted: &ServerAddress) -> io::Result<Bound> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in wanted.resolve().await? {
        match Bound::try_at(address) {
            Err(failed) if failed.kind() != io::ErrorKind::AddrInUse => error = failed,
            bound => return bound,
        }
    }
    Err(error)
}

impl Bound {
    fn try_at(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            // `[::]` means all interfaces, IPv4 too.
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        // Elsewhere the option means more than reusing a port that nobody listens on.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::Unsupported)?;
        Ok(Self { socket, address })
    }

    /// Where it is bound; never port 0.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on connecting succeeds.
    pub(super) fn listen(self) -> io::Result<TcpListener> {
        self.socket.listen(BACKLOG)?;
        Ok(self.socket.into())
    }
}
