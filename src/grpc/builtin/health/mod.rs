//! The health service: `grpc.health.v1.Health`, told by what happens in the manager.
//!
//! ```text
//!                set up, running        it ended or failed
//!   NOT_SERVING ----------------> SERVING ----------------> NOT_SERVING
//!        |                           |
//!        +-- shutdown is asked ------+--> NOT_SERVING, for good
//! ```
//!
//! It knows these names:
//!
//! | name | SERVING |
//! |---|---|
//! | `""` | from the moment all run until shutdown is asked: what [`WaitUntilRunning`](crate::WaitUntilRunning) waits for |
//! | the id of a service | while its main loop runs; where it has none, as long as `""` |
//! | a gRPC service, such as `pkping.Ping` | as the service that registered it |
//! | [`LIVENESS`] | always, also while draining: the process lives |
//!
//! A service whose main loop returned `Ok` has done its work: it is NOT_SERVING itself, and `""` does not
//! mind. One that fails brings about the shutdown. A gRPC service's name goes before an id of the same name,
//! and so do `""` and [`LIVENESS`].
//!
//! The status has changed before any observer sees the event that changed it, and before any message about
//! it is answered. With a drain delay, NOT_SERVING is said for that long while everything still works.
//!
//! `Check` answers NOT_FOUND to a name that it does not know, `Watch` sends SERVICE_UNKNOWN and stays open. A name of more than
//! 256 bytes cannot be watched: INVALID_ARGUMENT. How many watches a connection may have is
//! [`GrpcServerOptions::max_watches_per_connection`](crate::GrpcServerOptions::max_watches_per_connection).
//! `Watch` never sends the same status twice in a row. It ends, with status OK, when the drain begins: it
//! holds up no shutdown.
//!
//! A manager serves it unless [`GrpcServerOptions::health_service`](crate::GrpcServerOptions::health_service)
//! says otherwise; then a service may serve one of its own.

mod service;
mod statuses;

pub use generated::health_check_response::ServingStatus;
pub use generated::health_client::HealthClient;
pub use generated::health_server::{Health, HealthServer};
pub use generated::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};

pub(crate) use service::HealthService;
pub(crate) use statuses::Statuses;

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod generated {
    include!("../../../generated/grpc.health.v1.rs");
}

/// The name whose status is SERVING for as long as the process answers, whatever its services do: for probes
/// that restart what does not answer, where `""` is for those that route calls.
pub const LIVENESS: &str = "liveness";

/// Whether health answers to that name for something else than a service of this id.
pub(crate) fn is_taken(id: &str) -> bool {
    id == LIVENESS || id == NAME
}

/// What the service is called on the wire.
pub(crate) const NAME: &str = "grpc.health.v1.Health";

/// What describes the health service to reflection: an encoded `google.protobuf.FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("../../../generated/health.bin");
