//! One trial of a drain: a manager of its own, a connection of some kind, a shutdown, and what came of it.

pub(crate) mod kinds;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use majordomo::GrpcServerOptions;
use majordomo::clients::InMemory;
use majordomo::events::InFlight;
use majordomo::grpc::{DrainError, GrpcAddress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Status;

use support::place::{Bytestream, Place, Raw, RawCall, status_of};
use support::rpc::{Calls, Held, SERVER};
use support::tls::{ANY_VERSION, Authority, client};
use support::{Folder, Journal, Observed, Probe, ms, observe, whos, within};

/// How long the whole shutdown may take. The server has all of it but a tenth, which is its resources'.
pub(crate) const LIMIT: Duration = ms(2000);

/// How long streams may go on, where that is less than all the time there is.
pub(crate) const GRACE: Duration = ms(300);

/// What carries the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Tcp,
    Tls,
    Unix,
    Memory,
}

/// A manager with a server of [`Calls`] that runs.
pub(crate) struct Trial {
    observed: Observed,
    pub(crate) held: Held,
    pub(crate) place: Place,
    _folder: Folder,
}

/// What came of a trial.
#[derive(Debug)]
pub(crate) struct Row {
    /// From the request to shut down until the server had drained.
    pub(crate) drained: Duration,
    /// The same until the manager had ended.
    pub(crate) ended: Duration,
    /// How late the machine was meanwhile.
    pub(crate) allowance: Duration,
    /// What the client saw.
    pub(crate) told: String,
    /// The server had no turn in time to tell what held on, and was forced.
    pub(crate) is_forced: bool,
    /// What the manager's error holds of the server; `None` where the end was clean, or forced.
    pub(crate) error: Option<DrainError>,
}

impl Trial {
    pub(crate) async fn begin(over: Over) -> Self {
        Self::begin_with(over, GrpcServerOptions::new()).await
    }

    pub(crate) async fn begin_with(over: Over, server: GrpcServerOptions) -> Self {
        let (folder, memory, authority) = (Folder::new(), InMemory::new(), Authority::new("authority"));
        let path = folder.path("s");
        let options = support::options().grpc_ping_service(true).max_shutdown_duration(LIMIT);
        let mut server = server.workers(2);
        if over == Over::Tls {
            server = server.tls(authority.sign("localhost").tls());
        }
        let options = match over {
            Over::Tcp | Over::Tls => options.grpc_server_address("127.0.0.1:0"),
            Over::Unix => options.grpc_server_address(format!("unix:{}", path.display())),
            Over::Memory => options.grpc_in_memory(&memory),
        };
        let (calls, held) = Calls::new();
        let service = Probe::new("rpc", &Journal::default()).register_at_once(calls.register());
        let observed = observe(options.grpc_server(server), |manager| manager.grpc_service(service));
        observed.running().await;
        let at = observed.status().await.grpc_addresses[0].clone();
        let place = match (over, at) {
            (Over::Tcp, GrpcAddress::Tcp(address)) => Place::Tcp(address),
            (Over::Tls, GrpcAddress::Tcp(address)) => {
                Place::Tls(address, client(&authority, &["h2"], ANY_VERSION))
            }
            (Over::Unix, GrpcAddress::Unix(path)) => Place::Unix(path),
            (_, _) => Place::InMemory(memory),
        };
        Self { observed, held, place, _folder: folder }
    }

    /// Waits until the server carries that.
    pub(crate) async fn carries(&self, expected: impl Fn(&InFlight) -> bool) {
        let carried = async {
            while !self.observed.status().await.grpc.as_ref().is_some_and(&expected) {
                tokio::task::yield_now().await;
            }
        };
        within("what the server is to carry", carried).await;
    }

    /// A peer that has sent so much, and nothing else, and was dealt to a worker.
    pub(crate) async fn silent(&self, sent: &[u8]) -> Bytestream {
        let mut peer = self.place.reach().await.unwrap();
        peer.write_all(sent).await.unwrap();
        self.carries(|grpc| grpc.connections == 1).await;
        peer
    }

    pub(crate) async fn raw(&self, greedy: bool) -> Raw {
        Raw::over(self.place.open().await.unwrap(), greedy).await.unwrap()
    }

    /// Calls by several at once, which come in one after the other before any is handled, of a method that is
    /// known to keep its thread busy: some of them are handled by another worker than the one that has the
    /// connection.
    pub(crate) async fn heavy(&mut self, method: &str, calls: usize) -> (Raw, Vec<RawCall>) {
        let path = format!("/test.Calls/{method}");
        let mut raw = self.raw(false).await;
        let first = raw.call(&path, None).unwrap();
        raw.beside(self.held.entered(method)).await;
        // It is given up: what it cost is known once it is gone.
        drop(first);
        raw.beside(self.carries(|grpc| grpc.calls.is_empty())).await;
        let all = (0..calls).map(|_| raw.call(&path, None).unwrap()).collect();
        for _ in 0..calls {
            raw.beside(self.held.entered(method)).await;
        }
        let heavy = Arc::clone(&self.held.heavy);
        let on_both = async {
            while heavy.lock().unwrap().len() <= calls {
                tokio::task::yield_now().await;
            }
        };
        if method == "HoldHeavily" {
            raw.beside(within("all that were called", on_both)).await;
            let threads = heavy.lock().unwrap().clone();
            assert!(threads.iter().any(|thread| *thread != threads[0]), "none was handed over: {threads:?}");
        }
        (raw, all)
    }

    /// Shuts down while the client looks on.
    pub(crate) async fn drain(self, client: impl Future<Output = String>) -> Row {
        self.drain_and(false, client).await
    }

    /// The same, where `Hold` and its like go on as soon as the drain has begun.
    pub(crate) async fn let_go(self, client: impl Future<Output = String>) -> Row {
        self.drain_and(true, client).await
    }

    async fn drain_and(mut self, let_go: bool, client: impl Future<Output = String>) -> Row {
        let manager = async {
            self.observed.shut_down();
            if let_go {
                self.observed.seen(&format!("shutdown_started {SERVER}")).await;
                self.held.go.open();
            }
            let ended = self.observed.ended().await;
            // A blocked thread goes on once nobody waits for it.
            self.held.unblock.take();
            ended
        };
        let (ended, told) = tokio::join!(manager, within("what the client is told", client));
        let errors = ended.result.is_err().then(|| ended.shutdown_errors().errors());
        let error = errors.and_then(|errors| {
            let of_drain = errors.iter().find_map(|error| error.source.downcast_ref::<DrainError>());
            if of_drain.is_none() {
                assert_eq!(whos(errors), [format!("{SERVER} (run)")], "{:?}", ended.result);
            }
            of_drain.cloned()
        });
        Row {
            drained: ended.events.since_asked("drained"),
            ended: ended.took.unwrap(),
            allowance: ended.allowance,
            told,
            is_forced: errors.is_some() && error.is_none(),
            error,
        }
    }
}

/// What a peer that only reads sees.
pub(crate) async fn end_of(mut peer: Bytestream) -> String {
    let mut rest = Vec::new();
    match peer.read_to_end(&mut rest).await {
        Ok(_) => "closed".to_owned(),
        // Of TLS, which would rather be told first.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => "closed".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// What the client of a call in tonic's terms sees.
pub(crate) fn outcome<T>(outcome: Result<T, Status>) -> String {
    match outcome {
        Ok(_) => "OK".to_owned(),
        Err(status) => format!("{:?}: {}", status.code(), status.message()),
    }
}

/// What the client of a bare call sees.
pub(crate) async fn outcome_of(call: RawCall) -> String {
    match status_of(call.response).await {
        Ok((0, _)) => "OK".to_owned(),
        Ok((code, message)) => {
            let code = tonic::Code::from_i32(i32::try_from(code).unwrap());
            format!("{code:?}: {}", message.replace("%20", " "))
        }
        Err(_) => "its connection was cut".to_owned(),
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.error.as_ref().map_or_else(|| "clean".to_owned(), ToString::to_string);
        write!(f, "{:>5} ms  {:<42}  {error}", self.drained.as_millis(), self.told)
    }
}
