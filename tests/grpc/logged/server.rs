//! A server whose log is recorded.

use crate::logged::{Client, Held, Record, Recorder, Texts};
use majordomo::{GrpcLogging, ManagerOptions};
use support::{Observed, Registers, connect, observe, serving};
use tracing::Level;

pub(crate) const FINISHED: &str = "gRPC call finished";
pub(crate) const OPENED: &str = "gRPC stream opened";
pub(crate) const REQUEST: &str = "gRPC request";
pub(crate) const RESPONSE: &str = "gRPC response";
pub(crate) const PANICKED: &str = "a gRPC handler panicked";

/// A server whose calls are logged.
pub(crate) struct Served {
    pub(crate) recorder: Recorder,
    pub(crate) client: Client,
    pub(crate) held: Held,
    pub(crate) observed: Observed,
}

impl Served {
    pub(crate) async fn new(level: Level, options: impl FnOnce(ManagerOptions) -> ManagerOptions) -> Self {
        Self::registering(level, options, true).await
    }

    pub(crate) async fn registering(
        level: Level,
        options: impl FnOnce(ManagerOptions) -> ManagerOptions,
        described: bool,
    ) -> Self {
        let recorder = Recorder::new(level);
        let (texts, held) = Texts::new();
        let options = options(serving().dispatch(recorder.dispatch()));
        let service = Registers::new("texts", move |server| {
            if described { texts.register(server) } else { server.add_service(texts.clone()) }
        });
        let observed = observe(options, |manager| manager.grpc_service(service));
        let client = Client(connect(&observed).await);
        Self { recorder, client, held, observed }
    }

    pub(crate) async fn logging(level: Level, logging: GrpcLogging) -> Self {
        Self::new(level, |options| options.grpc_logging(logging)).await
    }

    /// With the defaults, seen at DEBUG.
    pub(crate) async fn debug() -> Self {
        Self::new(Level::DEBUG, |options| options).await
    }

    pub(crate) async fn address(&self) -> std::net::SocketAddr {
        self.observed.status().await.grpc_address.expect("it serves")
    }

    pub(crate) async fn finished(&self) -> Record {
        self.recorder.one(FINISHED).await
    }
}

/// Calls at TRACE, so that not even spans are on at INFO; messages at INFO.
pub(crate) fn messages() -> GrpcLogging {
    GrpcLogging::new().calls(Level::TRACE).requests(Level::INFO).responses(Level::INFO)
}
