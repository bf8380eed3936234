//! Binding an address without listening on it.
//!
//! From set-up on a port is ours, yet until the run connecting is refused: no call waits in a
//! backlog while services are still being set up. A port that somebody listens on is found in use here,
//! at set-up (on Unix `SO_REUSEADDR` ignores only the remains of closed connections). The same goes for Unix
//! sockets. Those that were inherited listen already: clients that connect wait there until the run.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::Instant;

use crate::base::GrpcAddress;
use crate::server::error::ListenError;
use crate::server::listen::address::{Place, ServerAddress};
use crate::server::listen::inherited;
use crate::server::listen::listener::Listener;
use crate::server::listen::memory::Claim;
use crate::server::listen::unix::{self, SocketFile};
use crate::service::ShutdownSignal;

/// How long addresses in use are tried again, all together.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How many connections may wait for being accepted.
const BACKLOG: i32 = 1024;

/// An address that is ours, where nobody is accepted yet.
#[derive(Debug)]
pub(crate) struct Bound {
    address: GrpcAddress,
    hold: Hold,
}

#[derive(Debug)]
enum Hold {
    Tcp(Socket),
    /// The file goes first: see [`Listener::Unix`].
    Unix(Option<SocketFile>, Socket),
    Inherited(Socket),
    InMemory(Claim),
}

/// Why an address could not be bound.
enum Failure {
    /// Another process has it.
    InUse(io::Error),
    Other(io::Error),
    Listen(ListenError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::AddrInUse { Self::InUse(error) } else { Self::Other(error) }
    }
}

/// Binds all of these, in their order, or none; while one is in use again and again, for half a minute or until
/// shutdown is asked for.
pub(crate) async fn bind(
    wanted: &[ServerAddress],
    shutdown: &ShutdownSignal,
) -> Result<Vec<Bound>, ListenError> {
    let began = Instant::now();
    let mut all = Vec::with_capacity(wanted.len());
    for address in wanted {
        all.extend(bind_patiently(address, began, shutdown).await?);
    }
    Ok(all)
}

/// The same of one address, which is not tried again.
///
/// # Errors
/// Why it cannot be had, without the address itself.
pub(crate) async fn bind_at_once(wanted: &ServerAddress) -> Result<Vec<Bound>, String> {
    try_at(wanted).await.map_err(|failure| match failure {
        Failure::InUse(_) => "it is in use".to_owned(),
        Failure::Other(error) => error.to_string(),
        Failure::Listen(ListenError::Unusable { reason, .. }) => reason,
        Failure::Listen(error) => error.to_string(),
    })
}

async fn bind_patiently(
    wanted: &ServerAddress,
    began: Instant,
    shutdown: &ShutdownSignal,
) -> Result<Vec<Bound>, ListenError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let address = wanted.to_string();
        let source = match try_at(wanted).await {
            Ok(bound) => return Ok(bound),
            Err(Failure::Listen(error)) => return Err(error),
            Err(Failure::Other(source)) => return Err(ListenError::Bind { address, source }),
            Err(Failure::InUse(source)) => source,
        };
        let waited = began.elapsed();
        let asked = shutdown.is_requested();
        if asked || waited >= PATIENCE {
            return Err(ListenError::InUse { address, waited, asked, source });
        }
        if pause == FIRST_PAUSE {
            tracing::warn!(
                address,
                "the server's address is in use; trying for {PATIENCE:?} to get it: stop whoever listens there"
            );
        }
        tokio::select! {
            () = tokio::time::sleep(pause.min(PATIENCE - waited)) => {}
            () = shutdown.requested() => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn try_at(wanted: &ServerAddress) -> Result<Vec<Bound>, Failure> {
    let one = match wanted.place() {
        Place::Unix(path, mode) => {
            let (socket, file) = unix::bind_path(path, *mode).map_err(|failure| match failure {
                unix::Failure::InUse(error) => Failure::InUse(error),
                unix::Failure::Hopeless(error) => Failure::Listen(error),
            })?;
            Bound { address: GrpcAddress::Unix(path.clone()), hold: Hold::Unix(Some(file), socket) }
        }
        Place::UnixAbstract(name) => {
            let hold = Hold::Unix(None, unix::bind_abstract(name)?);
            Bound { address: GrpcAddress::UnixAbstract(name.clone()), hold }
        }
        Place::Inherited(name) => {
            let sockets = inherited::duplicates(name.as_deref()).map_err(|(reason, mend)| {
                Failure::Listen(ListenError::Unusable { address: wanted.to_string(), reason, mend })
            })?;
            let bound = |(socket, address)| Bound { address, hold: Hold::Inherited(socket) };
            return Ok(sockets.into_iter().map(bound).collect());
        }
        Place::InMemory(memory) => {
            let claim = memory.claim().ok_or_else(|| io::Error::from(io::ErrorKind::AddrInUse))?;
            Bound { address: GrpcAddress::InMemory, hold: Hold::InMemory(claim) }
        }
        tcp @ (Place::Ip(_) | Place::Everywhere(_) | Place::Host(..)) => try_all(tcp).await?,
    };
    Ok(vec![one])
}

/// Binds the first address that works. One that is in use is not passed over for the next: it is where
/// clients will look for us.
async fn try_all(wanted: &Place) -> io::Result<Bound> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in wanted.resolve().await? {
        match Bound::try_tcp(address) {
            Err(failed) if failed.kind() != io::ErrorKind::AddrInUse => error = failed,
            bound => return bound,
        }
    }
    Err(error)
}

impl Bound {
    fn try_tcp(address: SocketAddr) -> io::Result<Self> {
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
        Ok(Self { address: GrpcAddress::Tcp(address), hold: Hold::Tcp(socket) })
    }

    /// Where it is bound.
    pub(crate) fn address(&self) -> &GrpcAddress {
        &self.address
    }

    /// From here on connecting succeeds.
    pub(crate) fn listen(mut self) -> Result<Listening, ListenError> {
        let failed = |source| ListenError::Listen { address: self.address.to_string(), source };
        match &mut self.hold {
            Hold::Unix(Some(file), _) if !file.is_in_place() => {
                let error = io::Error::new(io::ErrorKind::AddrInUse, "another file is in its place");
                return Err(failed(error));
            }
            Hold::Tcp(socket) | Hold::Unix(_, socket) => socket.listen(BACKLOG).map_err(failed)?,
            Hold::Inherited(_) => {}
            Hold::InMemory(claim) => claim.listen(),
        }
        Ok(Listening(self))
    }
}

/// A socket that listens. It does not block.
#[derive(Debug)]
#[non_exhaustive]
pub enum StdListener {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// A Unix socket, with or without a file.
    Unix(std::os::unix::net::UnixListener),
}

/// An address at which connecting succeeds, to be taken to the runtime on which connections are accepted.
#[derive(Debug)]
pub(crate) struct Listening(Bound);

impl Listening {
    /// Gives it to a server that is not ours; `None` for a place in memory.
    pub(crate) fn into_std(self) -> Option<(StdListener, Option<SocketFile>)> {
        let Bound { address, hold } = self.0;
        let (socket, file) = match hold {
            Hold::InMemory(_) => return None,
            Hold::Unix(file, socket) => (socket, file),
            Hold::Tcp(socket) | Hold::Inherited(socket) => (socket, None),
        };
        let listener = match address.as_tcp() {
            Some(_) => StdListener::Tcp(socket.into()),
            None => StdListener::Unix(socket.into()),
        };
        Some((listener, file))
    }

    /// Watches it on the current runtime.
    pub(crate) fn watch(self) -> io::Result<Listener> {
        let Bound { address, hold } = self.0;
        let unix = |_file, socket: Socket| {
            Ok(Listener::Unix { _file, listener: UnixListener::from_std(socket.into())? })
        };
        match hold {
            Hold::InMemory(claim) => Ok(Listener::InMemory(claim)),
            Hold::Unix(file, socket) => unix(file, socket),
            Hold::Inherited(socket) if address.as_tcp().is_none() => unix(None, socket),
            Hold::Tcp(socket) | Hold::Inherited(socket) => {
                Ok(Listener::Tcp(TcpListener::from_std(socket.into())?))
            }
        }
    }
}
