//! Binding an address without listening on it.
//!
//! From set-up on a port is ours, yet until the run connecting is refused: no call waits in a
//! backlog while services are still being set up. A port that somebody listens on is found in use here,
//! at set-up (on Unix `SO_REUSEADDR` ignores only the remains of closed connections). The same goes for Unix
//! sockets. Those that were inherited listen already: clients that connect wait there until the run.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::time::Instant;

use crate::base::GrpcAddress;
use crate::server::error::ListenError;
use crate::server::listen::address::{Place, ServerAddress};
use crate::server::listen::backlog::BACKLOG;
use crate::server::listen::handed::{self, Claimed};
use crate::server::listen::inherited;
use crate::server::listen::listening::{Listening, Way};
use crate::server::listen::memory::Claim;
use crate::server::listen::registry::Registration;
use crate::server::listen::unix::{self, SocketFile};
use crate::service::ShutdownSignal;

/// How long addresses in use are tried again, all together.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// An address that is ours, where nobody is accepted yet.
#[derive(Debug)]
pub(crate) struct Bound {
    address: GrpcAddress,
    hold: Hold,
    /// None for what systemd has passed, which stays, and for a place in memory.
    registration: Option<Registration>,
}

#[derive(Debug)]
enum Hold {
    /// The file goes first, as in a [`Listener`](super::Listener).
    Socket(Option<SocketFile>, Socket),
    /// It listens already: systemd has passed it, or a predecessor.
    Inherited(Option<SocketFile>, Socket),
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
    if let Some(claimed) = handed::claim(wanted).map_err(Failure::Listen)? {
        return Ok(vec![Bound::claimed(wanted, claimed)]);
    }
    let one = match wanted.place() {
        Place::Unix(path, mode) => {
            let bound = GrpcAddress::Unix(path.clone());
            match unix::bind_path(path, *mode) {
                Ok((socket, file)) => Bound::new(wanted, bound, Some(file), socket),
                Err(unix::Failure::InUse(error)) => handed_at(wanted, &bound, error)?,
                Err(unix::Failure::Hopeless(error)) => return Err(Failure::Listen(error)),
            }
        }
        Place::UnixAbstract(name) => {
            let bound = GrpcAddress::UnixAbstract(name.clone());
            Bound::new(wanted, bound, None, unix::bind_abstract(name)?)
        }
        Place::Inherited(name) => {
            let sockets = inherited::duplicates(name.as_deref()).map_err(|(reason, mend)| {
                Failure::Listen(ListenError::Unusable { address: wanted.to_string(), reason, mend })
            })?;
            let bound = |(socket, address)| Bound {
                address,
                hold: Hold::Inherited(None, socket),
                registration: None,
            };
            return Ok(sockets.into_iter().map(bound).collect());
        }
        Place::InMemory(memory) => {
            let claim = memory.claim().ok_or_else(|| io::Error::from(io::ErrorKind::AddrInUse))?;
            Bound { address: GrpcAddress::InMemory, hold: Hold::InMemory(claim), registration: None }
        }
        tcp @ (Place::Ip(_) | Place::Everywhere(_) | Place::Host(..)) => try_all(wanted, tcp).await?,
    };
    Ok(vec![one])
}

/// An address in use may have been handed over as it was written before.
fn handed_at(wanted: &ServerAddress, bound: &GrpcAddress, in_use: io::Error) -> Result<Bound, Failure> {
    match handed::claim_bound(wanted, bound).map_err(Failure::Listen)? {
        Some(claimed) => Ok(Bound::claimed(wanted, claimed)),
        None => Err(Failure::InUse(in_use)),
    }
}

/// Binds the first address that works. One that is in use is not passed over for the next: it is where
/// clients will look for us.
async fn try_all(wanted: &ServerAddress, place: &Place) -> Result<Bound, Failure> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in place.resolve().await? {
        match try_tcp(address) {
            Ok((socket, address)) => {
                return Ok(Bound::new(wanted, GrpcAddress::Tcp(address), None, socket));
            }
            Err(failed) if failed.kind() == io::ErrorKind::AddrInUse => {
                return handed_at(wanted, &GrpcAddress::Tcp(address), failed);
            }
            Err(failed) => error = failed,
        }
    }
    Err(Failure::Other(error))
}

fn try_tcp(address: SocketAddr) -> io::Result<(Socket, SocketAddr)> {
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
    Ok((socket, address))
}

impl Bound {
    fn new(wanted: &ServerAddress, address: GrpcAddress, file: Option<SocketFile>, socket: Socket) -> Self {
        let registration = Some(Registration::of(wanted, None));
        Self { address, hold: Hold::Socket(file, socket), registration }
    }

    fn claimed(wanted: &ServerAddress, claimed: Claimed) -> Self {
        let Claimed { socket, bound, file, index, token } = claimed;
        let registration = Some(Registration::of(wanted, Some((index, token))));
        Self { address: bound, hold: Hold::Inherited(file, socket), registration }
    }

    /// Where it is bound.
    pub(crate) fn address(&self) -> &GrpcAddress {
        &self.address
    }

    /// What another life of its server is to ask for in its place: the same port, where it is one of TCP that is ours.
    pub(crate) fn again(&self) -> Option<ServerAddress> {
        let had = self.registration.as_ref()?.had().clone();
        Some(ServerAddress::again(had, self.address.as_tcp()?))
    }

    /// From here on connecting succeeds.
    pub(crate) fn listen(self) -> Result<Listening, ListenError> {
        let Self { address, hold, mut registration } = self;
        let failed = |source| ListenError::Listen { address: address.to_string(), source };
        let (file, socket) = match hold {
            Hold::InMemory(mut claim) => {
                claim.listen();
                return Ok(Listening(Way::InMemory(claim)));
            }
            Hold::Socket(file, socket) => {
                in_place(&file).and_then(|()| socket.listen(BACKLOG.into())).map_err(failed)?;
                (file, socket)
            }
            Hold::Inherited(file, socket) => {
                in_place(&file).map_err(failed)?;
                (file, socket)
            }
        };
        if let Some(registration) = &mut registration {
            registration.listens(socket.as_fd(), file.as_ref()).map_err(failed)?;
        }
        Ok(Listening(Way::Socket { address, file, socket, registration }))
    }
}

fn in_place(file: &Option<SocketFile>) -> io::Result<()> {
    match file {
        Some(file) if !file.is_in_place() => {
            Err(io::Error::new(io::ErrorKind::AddrInUse, "another file is in its place"))
        }
        _ => Ok(()),
    }
}
