//! The sockets of a server of other make, which accepts by itself.
//!
//! ```text
//!   ServerSocket --bind--> BoundSockets --listen--> ListeningSockets --serving--> its manager knows
//!        |                                                                            |
//!        +-- the next life: the same port, and it listens from its set-up on <--------+
//! ```
//!
//! It cannot give way to a successor at the same sockets: both accept until its drain.

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix::{Actor, Context};

use crate::events::{InFlight, Name};
use crate::metrics::Meter;
use crate::report::ConfigError;
use crate::server::definition::{ServerDefinition, named, parse_address};
use crate::server::error::ListenError;
use crate::server::listen::{
    Bound, GrpcAddress, HANDSHAKES, Kept, Listening, ServerAddress, StdListener, bind,
};
use crate::server::notice::{OnNotice, ServerNotice};
use crate::server::worker::workers::Workers;
use crate::service::{ServiceSpec, ShutdownSignal};

/// How often it is waited for who is to be accepted: for 100 ms.
const MOST_WAITS: u32 = 20;

type Check = Box<dyn Fn() -> Result<(), ConfigError> + Send + Sync>;
type ReadInFlight = Box<dyn Fn() -> InFlight + Send + Sync>;

/// The address of a server of other make, of one service. Clones are the same one: the
/// [`ServiceSpec`](ServiceSpec::listens_at) gets one, the actor another.
#[derive(Clone)]
pub struct ServerSocket(Arc<SocketDefinition>);

struct SocketDefinition {
    address: String,
    check: OnceLock<Check>,
    in_flight: OnceLock<ReadInFlight>,
    manager: OnceLock<OnNotice>,
    closing: AtomicBool,
    listens_early: AtomicBool,
    /// Where it was bound first, so that a life later clients find it there.
    bound_at: Mutex<Option<ServerAddress>>,
}

/// An address cannot be bound, or listened at: says which, why, and what to do.
///
/// Return it from the handler of `Setup` or `Run` as it is: a shutdown that is asked meanwhile is then told from a port in use.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BindError(#[from] ListenError);

impl BindError {
    /// Whether another process listens there.
    pub fn is_in_use(&self) -> bool {
        matches!(self.0, ListenError::InUse { .. })
    }
}

/// Whether another process listens at the address of a server.
pub(crate) fn is_in_use(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref().is_some_and(BindError::is_in_use)
}

impl ServerSocket {
    /// `address` is written as [`grpc_server_address`](crate::ManagerOptions::grpc_server_address) takes it: `127.0.0.1:8080`,
    /// `unix:PATH`, `systemd:NAME`; port 0 lets the system choose. One that cannot be understood is refused before anything starts.
    pub fn new(address: impl Into<String>) -> Self {
        Self(Arc::new(SocketDefinition {
            address: address.into(),
            check: OnceLock::new(),
            in_flight: OnceLock::new(),
            manager: OnceLock::new(),
            closing: AtomicBool::new(false),
            listens_early: AtomicBool::new(false),
            bound_at: Mutex::new(None),
        }))
    }

    /// Has what cannot work refused before anything starts, with the name of the service: `check` returns
    /// [`ConfigError::Option`] for an option of the server. The first one given counts.
    #[must_use]
    pub fn check(self, check: impl Fn() -> Result<(), ConfigError> + Send + Sync + 'static) -> Self {
        let _ = self.0.check.set(Box::new(check));
        self
    }

    /// Has the status, and the report of a forced end, tell what the server carries. `read` is called on threads of the
    /// manager's, and must not block. The first one given counts.
    #[must_use]
    pub fn in_flight(self, read: impl Fn() -> InFlight + Send + Sync + 'static) -> Self {
        let _ = self.0.in_flight.set(Box::new(read));
        self
    }

    /// Whether a shutdown was asked, its drain delay included: answers should have clients come back by another connection.
    pub fn is_closing(&self) -> bool {
        self.0.closing.load(Ordering::Relaxed)
    }

    /// Binds, in `Setup`: the address is taken, and connecting is refused. An address in use is tried again for 30 s, or until
    /// shutdown is requested by `shutdown`, that of `Setup`. In the second life of a service, and where one is added to a manager
    /// that runs, connections wait from here on.
    ///
    /// # Errors
    /// Where the address cannot be had.
    pub async fn bind(&self, shutdown: &ShutdownSignal) -> Result<BoundSockets, BindError> {
        let bound = bind(&[self.0.place()?], shutdown).await?;
        let at: Vec<GrpcAddress> = bound.iter().map(|bound| bound.address().clone()).collect();
        if let Some(again) = bound.first().and_then(Bound::again) {
            *self.0.bound_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(again);
        }
        let sockets = match self.0.listens_early.load(Ordering::Relaxed) {
            true => Sockets::Listening(listen(bound)?),
            false => Sockets::Bound(bound),
        };
        Ok(BoundSockets { definition: Arc::clone(&self.0), at, sockets })
    }

    /// Tells the manager how many streams were ended in order in the drain, for
    /// [`ServiceReport::streams_ended`](crate::ServiceReport::streams_ended).
    pub fn streams_ended(&self, count: usize) {
        if count > 0 {
            self.0.notify(ServerNotice::StreamsEnded(count));
        }
    }
}

fn listen(bound: Vec<Bound>) -> Result<Vec<Listening>, ListenError> {
    bound.into_iter().map(Bound::listen).collect()
}

impl SocketDefinition {
    fn place(&self) -> Result<ServerAddress, ListenError> {
        if let Some(place) = self.bound_at.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(place);
        }
        let mend = "write HOST:PORT, unix:PATH, or systemd:NAME";
        ServerAddress::parse(&self.address).map_err(|reason| ListenError::Unusable {
            address: self.address.clone(),
            reason,
            mend,
        })
    }
}

/// What is bound: connecting is refused. Dropped, it is given up, and the file of a Unix socket is removed.
pub struct BoundSockets {
    definition: Arc<SocketDefinition>,
    at: Vec<GrpcAddress>,
    sockets: Sockets,
}

enum Sockets {
    Bound(Vec<Bound>),
    Listening(Vec<Listening>),
}

impl BoundSockets {
    /// Where they are bound, in the order of the listeners. A port is never 0.
    pub fn addresses(&self) -> &[GrpcAddress] {
        &self.at
    }

    /// Listens, in `Run`: connecting succeeds from here on.
    ///
    /// # Errors
    /// Where another process took the address after it was bound.
    pub fn listen(self) -> Result<ListeningSockets, BindError> {
        let Self { definition, at, sockets } = self;
        let listening = match sockets {
            Sockets::Bound(bound) => listen(bound)?,
            Sockets::Listening(listening) => listening,
        };
        let failed = |source| ListenError::Listen { address: definition.address.clone(), source };
        let taken: io::Result<Vec<_>> =
            listening.into_iter().filter_map(|one| one.into_std().transpose()).collect();
        let (listeners, kept) = taken.map_err(failed)?.into_iter().unzip();
        Ok(ListeningSockets { definition, at, listeners, kept })
    }
}

/// What listens. Dropped, the file of a Unix socket is removed, and so is what a [`Handover`](crate::Handover) would pass on: drop it when the
/// server is to accept nobody any more, before its listener is closed. Until then the port is taken, also where the listeners are closed.
pub struct ListeningSockets {
    definition: Arc<SocketDefinition>,
    at: Vec<GrpcAddress>,
    listeners: Vec<StdListener>,
    kept: Vec<Kept>,
}

impl ListeningSockets {
    /// Where they listen, in the order of the listeners.
    pub fn addresses(&self) -> &[GrpcAddress] {
        &self.at
    }

    /// Takes the listeners out, for the server. The second time there are none.
    pub fn take_listeners(&mut self) -> Vec<StdListener> {
        std::mem::take(&mut self.listeners)
    }

    /// Has nobody new get in, and waits until the server has accepted those who are connected: let it go on accepting until then, and
    /// drop this and its listeners next. A listener that is closed with clients in its queue resets them, though they may have sent a request.
    /// It takes 5 ms, and 100 ms at most.
    ///
    /// On Linux; since 5.7 for TCP. Elsewhere it does nothing, and so it does with what systemd has passed, or a successor has got: that stays open there.
    pub async fn refuse_new(&mut self) {
        let mut closed: Vec<&Kept> = Vec::new();
        for kept in &mut self.kept {
            if kept.refuse_new() {
                closed.push(kept);
            }
        }
        let mut waits = if closed.is_empty() { 0 } else { MOST_WAITS };
        while waits > 0 {
            tokio::time::sleep(HANDSHAKES).await;
            waits = if closed.iter().any(|kept| kept.has_waiting()) { waits - 1 } else { 0 };
        }
    }

    /// Tells the manager that the server accepts connections, which it waits for before it says that all run: event
    /// [`ServiceServing`](crate::events::LifecycleEvent::ServiceServing), [`ServiceStatus::addresses`](crate::ServiceStatus::addresses).
    pub fn serving(&self) {
        self.definition.listens_early.store(true, Ordering::Relaxed);
        self.definition.notify(ServerNotice::Serving(self.at.clone()));
    }
}

impl SocketDefinition {
    fn notify(&self, notice: ServerNotice) {
        if let Some(on_notice) = self.manager.get() {
            on_notice(notice);
        }
    }
}

impl ServerDefinition for SocketDefinition {
    fn address(&self) -> Result<ServerAddress, ConfigError> {
        parse_address(&self.address)
    }

    fn check(&self, service: &Name) -> Result<(), ConfigError> {
        if let Some(check) = self.check.get() {
            check().map_err(|error| named(service, error))?;
        }
        self.address().map_err(|error| named(service, error))?;
        Ok(())
    }

    fn connect(&self, on_notice: OnNotice, _: &Workers, _: &Meter) {
        let _ = self.manager.set(on_notice);
    }

    fn in_flight(&self) -> Option<InFlight> {
        Some(self.in_flight.get()?())
    }

    fn listen_early(&self) {
        self.listens_early.store(true, Ordering::Relaxed);
    }

    fn begin_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// It accepts by itself, so it cannot: until its drain both processes accept.
    fn give_way(&self) {
        self.notify(ServerNotice::GaveWay);
    }

    fn resume(&self) {}
}

/// The definition of a server of other make, where it is one.
pub(crate) fn definition_of(
    server: Arc<dyn Any + Send + Sync>,
) -> Result<Arc<dyn ServerDefinition>, Arc<dyn Any + Send + Sync>> {
    Ok(server.downcast::<SocketDefinition>()?)
}

impl<A: Actor<Context = Context<A>>> ServiceSpec<A> {
    /// The service is a server that listens at this socket, which its actor [binds](ServerSocket::bind) in `Setup`. That it
    /// [serves](ListeningSockets::serving) is waited for before all are said to run.
    pub fn listens_at(mut self, socket: &ServerSocket) -> Self {
        self.server = Some(Arc::clone(&socket.0) as Arc<dyn Any + Send + Sync>);
        self
    }
}

impl fmt::Debug for ServerSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSocket").field("address", &self.0.address).finish_non_exhaustive()
    }
}

impl fmt::Debug for BoundSockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundSockets").field("addresses", &self.at).finish_non_exhaustive()
    }
}

impl fmt::Debug for ListeningSockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListeningSockets").field("addresses", &self.at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
