//! What a test asks of a running manager, and does to it.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use actix::Addr;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::Layer;

use super::blocking_ask::{ANSWER, ask, block_on};
use super::connector::Connector;
use super::failing::Failing;
use super::recorder::Recorder;
use crate::api_errors::ErrorClient;
use crate::grpc::builtin::ping::PingClient;
use crate::lifecycle::SignalKind;
use crate::manager::{Manager, ManagerSnapshot, RunOnManager, TestSignal};

/// How long a server may take to answer a ping, unless told otherwise.
const PING: Duration = Duration::from_secs(3);
/// How long after a ping that was not answered comes the next.
const PAUSE: Duration = Duration::from_millis(10);

/// A test's handle to a manager.
///
/// Its methods ask the manager, and panic with what was expected, what happened, and the latest events. Those that are not `async` block the caller's thread for the moment that the answer takes: the manager must
/// live on a thread of its own, as [`Manager::start`] has it. While there is one of these, the manager's thread stays, as with
/// any other `Addr`.
///
/// ```
/// use majordomo::testing::{ManagerTesting, Signal};
/// use majordomo::{Manager, ManagerOptions, WaitForShutdown};
///
/// # #[actix::main]
/// # async fn main() -> Result<(), majordomo::ManagerError> {
/// let manager = Manager::new(ManagerOptions::new().grpc_server_address("127.0.0.1:0")).start();
/// let testing = ManagerTesting::new(&manager);
/// testing.ping_grpc_server(None).await;
/// testing.grpc_ping_client().ping(()).await.unwrap();
/// testing.send_signal(Signal::Terminate);
/// manager.send(WaitForShutdown).await?
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ManagerTesting {
    manager: Addr<Manager>,
}

/// A signal of the operating system, for [`ManagerTesting::send_signal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// SIGINT
    Interrupt,
    /// SIGTERM
    Terminate,
    /// SIGQUIT
    Quit,
    /// SIGUSR1
    User1,
}

impl ManagerTesting {
    /// Of a manager that was started.
    pub fn new(manager: &Addr<Manager>) -> Self {
        Self { manager: manager.clone() }
    }

    /// The manager.
    pub fn manager(&self) -> &Addr<Manager> {
        &self.manager
    }

    /// A channel to the gRPC server, wherever it is bound: at a port, a Unix socket, or in memory. It connects when it is
    /// first used, so it may be made before the server runs, and does not keep the manager's thread.
    ///
    /// # Panics
    /// When the manager has no gRPC server; when that speaks TLS, which takes a client of the test's own; outside of a
    /// tokio runtime.
    #[track_caller]
    pub fn grpc_channel(&self) -> Channel {
        self.grpc_channel_with(|endpoint| endpoint)
    }

    /// The same with settings of the test's own.
    ///
    /// ```no_run
    /// # fn of(testing: majordomo::testing::ManagerTesting) {
    /// // Errors of more than 16 KiB, as servers in Go may answer them.
    /// testing.grpc_channel_with(|endpoint| endpoint.http2_max_header_list_size(64 * 1024));
    /// # }
    /// ```
    ///
    /// # Panics
    /// As [`grpc_channel`](Self::grpc_channel) does.
    #[track_caller]
    pub fn grpc_channel_with(&self, settings: impl FnOnce(Endpoint) -> Endpoint) -> Channel {
        self.channel_of(&self.serving_standing(), settings)
    }

    #[track_caller]
    fn channel_of(&self, snapshot: &ManagerSnapshot, settings: impl FnOnce(Endpoint) -> Endpoint) -> Channel {
        if snapshot.given.tls && snapshot.given.in_memory.is_none() {
            let mend = "trust its certificate in an Endpoint of your own, at grpc_address()";
            fail("a gRPC server that is reached without TLS", format!("it speaks TLS: {mend}"), snapshot);
        }
        let endpoint = settings(Endpoint::from_static("http://localhost"));
        endpoint.connect_with_connector_lazy(Connector::new(&self.manager))
    }

    /// The same with the client layer of the manager's [error generator](crate::ManagerOptions::error_generator), which
    /// adds its frame to the trace of rich errors. It is a type of its own, since a [`Channel`] cannot carry a layer.
    ///
    /// # Panics
    /// As [`grpc_channel`](Self::grpc_channel) does, and when the manager has no error generator.
    #[track_caller]
    pub fn grpc_error_channel(&self) -> ErrorClient<Channel> {
        let snapshot = self.serving_standing();
        match &snapshot.given.error_generator {
            Some(generator) => {
                generator.client_layer().layer(self.channel_of(&snapshot, |endpoint| endpoint))
            }
            None => fail(
                "a manager with an error generator",
                "it has none: give it ManagerOptions::error_generator, or use grpc_channel()".to_owned(),
                &snapshot,
            ),
        }
    }

    /// A client of the ping service that the manager brings along, over a [channel](Self::grpc_channel) of its own.
    ///
    /// # Panics
    /// When [`grpc_ping_service`](crate::ManagerOptions::grpc_ping_service) is off, and as `grpc_channel` does.
    #[track_caller]
    pub fn grpc_ping_client(&self) -> PingClient<Channel> {
        let snapshot = self.snapshot();
        if !snapshot.given.pings {
            let mend =
                "leave it on, or use PingClient::new(testing.grpc_channel()) where a service answers pings";
            fail("a manager with its ping service", format!("grpc_ping_service is off: {mend}"), &snapshot);
        }
        PingClient::new(self.channel_of(&snapshot, |endpoint| endpoint))
    }

    /// Pings the gRPC server until it answers, whatever it answers: then it takes requests. It need not know pings; one that
    /// says so has answered. `None`: for 3 s.
    ///
    /// # Panics
    /// When it does not answer in time, when the manager ends meanwhile, and as [`grpc_channel`](Self::grpc_channel) does.
    pub async fn ping_grpc_server(&self, limit: Option<Duration>) {
        let limit = limit.unwrap_or(PING);
        let expected = format!("the gRPC server answers a ping within {limit:?}");
        let mut client = PingClient::new(self.grpc_channel());
        let mut last = "the first ping is not answered yet".to_owned();
        let answered = tokio::time::timeout(limit, async {
            loop {
                let Err(status) = client.ping(()).await else { return None };
                if is_answer(&status) {
                    return None;
                }
                last = crate::clients::describe(&status);
                let snapshot = self.manager.send(RunOnManager::new(Manager::snapshot)).await;
                match snapshot.map(|snapshot| snapshot.result) {
                    Ok(None) => tokio::time::sleep(PAUSE).await,
                    Ok(Some(Ok(()))) => return Some("the manager has ended".to_owned()),
                    Ok(Some(Err(error))) => return Some(format!("the manager has ended: {error}")),
                    Err(_) => return Some("the manager is gone".to_owned()),
                }
            }
        });
        let answered = answered.await;
        if let Some(why) =
            answered.unwrap_or_else(|_| Some(format!("no ping was answered; the last: {last}")))
        {
            fail(&expected, why, &self.snapshot());
        }
    }

    /// Sends the manager, and no other, a signal, as if the process had got it: [`Signal::Interrupt`] and
    /// [`Signal::Terminate`] shut it down at first, force its end at the second, and end the process at the third; the
    /// others print its status. It has been taken in when this returns.
    ///
    /// Also where [`handle_signals`](crate::ManagerOptions::handle_signals) is off: what a test sends is meant. A manager
    /// that has ended takes no notice.
    ///
    /// # Panics
    /// When the manager does not answer.
    #[track_caller]
    pub fn send_signal(&self, signal: Signal) {
        let signalled = match signal {
            Signal::Interrupt => TestSignal::Stop(SignalKind::Interrupt),
            Signal::Terminate => TestSignal::Stop(SignalKind::Terminate),
            Signal::Quit | Signal::User1 => TestSignal::PrintStatus,
        };
        self.manager.do_send(signalled);
        // What it was sent before this question, it has seen to when it answers.
        ask(&self.manager, |_| ());
    }

    /// The ids of the manager's services, in the order in which they were handed over, the ping service among them; without
    /// those that have been removed.
    ///
    /// # Panics
    /// When the manager does not answer.
    #[track_caller]
    pub fn services(&self) -> Vec<String> {
        ask(&self.manager, Manager::services)
    }

    /// Where the gRPC server accepts calls: the first of its addresses that is one of TCP. Waits until it does, for 5 s at most.
    ///
    /// # Panics
    /// When the manager has no gRPC server; when that has no such address: [`grpc_channel`](Self::grpc_channel) reaches it at
    /// any other; when the manager does not come to serve.
    #[track_caller]
    pub fn grpc_address(&self) -> SocketAddr {
        let mut snapshot = self.serving_standing();
        if snapshot.addresses.is_empty() && snapshot.result.is_none() {
            let recorder = Recorder::attach(&self.manager);
            block_on(recorder.either("serving", "stopped"), ANSWER);
            snapshot = self.snapshot();
        }
        if let Some(address) = snapshot.addresses.iter().find_map(|address| address.as_tcp()) {
            return address;
        }
        let expected = "a gRPC server with an address of TCP";
        if let Some(other) = snapshot.addresses.first() {
            fail(expected, format!("it serves at {other} alone: grpc_channel() reaches it there"), &snapshot);
        }
        let happened = match &snapshot.result {
            Some(Ok(())) => "the manager has ended without serving".to_owned(),
            Some(Err(error)) => format!("the manager has ended without serving: {error}"),
            None => format!("it did not serve within {ANSWER:?}: the manager is {}", snapshot.stage),
        };
        fail(expected, happened, &snapshot)
    }

    #[track_caller]
    fn snapshot(&self) -> ManagerSnapshot {
        ask(&self.manager, Manager::snapshot)
    }

    /// How a manager with a gRPC server stands.
    #[track_caller]
    fn serving_standing(&self) -> ManagerSnapshot {
        let snapshot = self.snapshot();
        if !snapshot.given.serves {
            let services = &snapshot.given.services;
            let has =
                format!("it has none, as grpc_ping_service is off and none of {services:?} answers calls");
            fail("a manager with a gRPC server", has, &snapshot);
        }
        snapshot
    }
}

/// Whether a server has sent it: a status that was made on this side carries what it was made of. UNAVAILABLE may be a
/// proxy's.
fn is_answer(status: &Status) -> bool {
    status.source().is_none() && status.code() != Code::Unavailable
}

#[track_caller]
fn fail(expected: &str, happened: String, snapshot: &ManagerSnapshot) -> ! {
    panic!("{}", Failing { expected: expected.to_owned(), happened, events: snapshot.events.clone() })
}
