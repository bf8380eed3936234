//! The endpoint's thread.
//!
//! ```text
//!   start: bound, listening       stop: nobody is accepted           at most LINGER later
//!   ----+---------------------------+----------------------------------+----> gone
//!       |  before set-up begins     |  after `stopped` has been told   |  what is still open is dropped
//! ```
//!
//! One thread, one event loop. It carries no code of services, and nothing in it ticks: it wakes up when somebody connects, asks, or is told
//! of an event.

use std::io;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::answer;
use super::bounds::{CONNECTIONS, KEEPALIVE, SEND_BUFFER};
use super::connection::serve;
use super::credentials::Peer;
use super::health::Health;
use super::managed::Managed;
use super::options::CheckedOperations;
use super::places::Places;
use super::responder::Responder;
use crate::base::{GrpcAddress, spawn};
use crate::metrics::Meter;
use crate::report::ConfigError;
use crate::server::listen::{Listener, ServerAddress, Stream, accept, bind_at_once};

/// How long the end waits for answers that are being written, at most.
pub(crate) const LINGER: Duration = Duration::from_millis(50);

/// How long the name of an address may take to be looked up.
const BIND_TIME: Duration = Duration::from_secs(5);

/// After what could not be accepted: there are too many open files, for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An endpoint that answers. Dropped, it goes at once.
#[derive(Debug)]
pub(crate) struct Endpoint {
    addresses: Vec<GrpcAddress>,
    gate: Gate,
    stop: Stop,
    over: CancellationToken,
}

/// Whether an endpoint accepts connections: another process does, where it does not. Those that are open are served in either case.
#[derive(Debug, Clone)]
pub(crate) struct Gate(watch::Sender<bool>);

impl Gate {
    pub(crate) fn open(&self, open: bool) {
        self.0.send_replace(open);
    }
}

/// The end of an endpoint, and how long that may take.
#[derive(Debug, Clone, Default)]
struct Stop {
    token: CancellationToken,
    linger: Arc<OnceLock<Duration>>,
}

impl Endpoint {
    /// Listens, and answers: from here on where it `opens` at once, else when its [gate](Self::gate) opens.
    ///
    /// # Errors
    /// Where the address or the thread cannot be had; nothing is left of it then.
    pub(crate) fn start(
        checked: CheckedOperations,
        managed: Arc<dyn Managed>,
        health: Health,
        meter: Meter,
        opens: bool,
    ) -> Result<Self, ConfigError> {
        let CheckedOperations { address, rights, .. } = checked;
        let responder = Arc::new(Responder::new(managed, health, meter, rights));
        let (stop, over) = (Stop::default(), CancellationToken::new());
        let (gate, opened) = watch::channel(opens);
        let (tell, told) = mpsc::sync_channel(1);
        let (stopped, ends) = (stop.clone(), over.clone().drop_guard());
        let wanted = address.clone();
        let run = move || {
            let _ends = ends;
            match listen(&wanted) {
                Ok((runtime, listeners, addresses)) => {
                    // Where nobody waits for it any more, it was too slow.
                    if tell.send(Ok(addresses)).is_ok() {
                        runtime.block_on(accept_all(listeners, responder, opened, stopped));
                    }
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        };
        spawn("the operations endpoint", "operations".to_owned(), run)?;
        let refused =
            |reason: String| ConfigError::OperationsUnbound { address: address.to_string(), reason };
        match told.recv_timeout(BIND_TIME) {
            Ok(Ok(addresses)) => Ok(Self { addresses, gate: Gate(gate), stop, over }),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Err(refused(format!("it could not be bound within {BIND_TIME:?}"))),
        }
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> &[GrpcAddress] {
        &self.addresses
    }

    /// Has it accept connections, or not.
    pub(crate) fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Accepts nobody any more; resolves when the thread is over, soon after that time at the latest.
    pub(crate) fn stop(self, linger: Duration) -> impl Future<Output = ()> + use<> {
        let _ = self.stop.linger.set(linger);
        self.stop.token.cancel();
        self.over.clone().cancelled_owned()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop.token.cancel();
    }
}

type Bound = (Runtime, Vec<Listener>, Vec<GrpcAddress>);

fn listen(address: &ServerAddress) -> Result<Bound, String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let bound = runtime.block_on(bind_at_once(address))?;
    let addresses = bound.iter().map(|bound| bound.address().clone()).collect();
    let entered = runtime.enter();
    let watch = |bound: crate::server::listen::Bound| {
        let listening = bound.listen().map_err(|error| error.to_string())?;
        listening.watch().map_err(|error| error.to_string())
    };
    let listeners = bound.into_iter().map(watch).collect::<Result<_, String>>()?;
    drop(entered);
    Ok((runtime, listeners, addresses))
}

async fn accept_all(
    mut listeners: Vec<Listener>,
    responder: Arc<Responder>,
    mut opened: watch::Receiver<bool>,
    stop: Stop,
) {
    let (mut connections, mut places, mut turn) = (JoinSet::new(), Places::new(CONNECTIONS), 0);
    loop {
        tokio::select! {
            biased;
            () = stop.token.cancelled() => break,
            Some(_) = connections.join_next() => {}
            Ok(()) = opened.changed() => {}
            accepted = accept(&mut listeners, &mut turn), if *opened.borrow() => match accepted {
                Ok(stream) => begin(stream, &mut connections, &mut places, &responder, &stop.token),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }
    // The file of a Unix socket goes first.
    drop(listeners);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(stop.linger.get().copied().unwrap_or_default(), all).await;
    connections.shutdown().await;
}

fn begin(
    stream: Stream,
    connections: &mut JoinSet<()>,
    places: &mut Places,
    responder: &Arc<Responder>,
    stop: &CancellationToken,
) {
    let Some(place) = places.take() else {
        return match stream {
            Stream::Tcp(stream) => refuse(&SockRef::from(&stream)),
            Stream::Unix(stream) => refuse(&SockRef::from(&stream)),
            Stream::InMemory(_) => {}
        };
    };
    let (responder, stop) = (Arc::clone(responder), stop.clone());
    match stream {
        Stream::Tcp(stream) => {
            // A peer that is gone already needs no answer.
            if let (Ok(()), Ok(peer)) = (bound_tcp(&stream), Peer::of_tcp(&stream)) {
                connections.spawn(serve(stream, peer, responder, place, stop));
            }
        }
        Stream::Unix(stream) => {
            let peer = Peer::of_unix(&stream);
            connections.spawn(serve(stream, peer, responder, place, stop));
        }
        Stream::InMemory(_) => {}
    }
}

/// Says so, and nobody waits for its being read.
fn refuse(socket: &SockRef<'_>) {
    let _ = socket.send(&answer::full(CONNECTIONS));
    let _ = socket.shutdown(std::net::Shutdown::Write);
}

fn bound_tcp(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))
}
