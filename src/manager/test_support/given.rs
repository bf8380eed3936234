//! What a manager was given, as far as tests need to know.

use std::time::Duration;

use crate::api_errors::ErrorGenerator;
use crate::grpc::InMemory;
use crate::manager::api::definition::Definition;

/// What a manager was given, as far as tests need to know.
#[derive(Debug, Clone, Default)]
pub(crate) struct GivenOptions {
    /// The ids of its services.
    pub(crate) services: Vec<String>,
    /// Whether a gRPC server is to run.
    pub(crate) serves: bool,
    /// Whether that is to serve the ping service that managers bring along.
    pub(crate) pings: bool,
    /// Whether it speaks TLS at its sockets.
    pub(crate) tls: bool,
    /// Where it is to be reached in memory.
    pub(crate) in_memory: Option<InMemory>,
    pub(crate) error_generator: Option<ErrorGenerator>,
    /// How long its shutdown may take.
    pub(crate) shutdown: Option<Duration>,
}

impl GivenOptions {
    pub(crate) fn of(plan: &Definition) -> Self {
        let (options, pending_services) = (&plan.options, &plan.pending_services);
        let ids = pending_services.iter().map(|pending| pending.id.to_string());
        let ping = options.grpc_server.parts.pings().then(|| crate::grpc::builtin::ids::PING_ID.to_owned());
        Self {
            services: ids.chain(ping).collect(),
            serves: options.grpc_server.parts.pings()
                || options.serves(pending_services.iter().map(|pending| pending.kind.registers())),
            pings: options.grpc_server.parts.pings(),
            ..options.given()
        }
    }
}
