//! The gRPC server: itself a service, set up, run and shut down like any other.
//!
//! ```text
//!   Setup      binds every address, but does not listen: connecting is refused
//!   Run        listens -> accepts on a thread of its own -> deals connections out in turn
//!                                                             |          |
//!                                                          worker 0   worker 1  ...  a thread each
//!                                                             |
//!                                            connection -> HTTP/2 -> call -> routes -> your handler
//!   Shutdown   the drain:
//!
//!   asked                                             call off       cut   give up  deadline
//!     |--- listener closed, GOAWAY, calls finish ---------|--- flush ---|------|--------|
//!          connections without calls are closed           |             connections that are left are cut
//!                                                         calls that are left are answered UNAVAILABLE
//! ```
//!
//! A drain ends as soon as nothing is left. It never outlasts its deadline: not for an endless stream, a
//! peer that does not read, one that never spoke, nor a handler that blocks its thread. What did not end
//! by itself is told as a [`DrainError`]. Forcing the server closes every connection at once.
//!
//! Of tonic this uses the routes, the codecs and the status, but not its `transport::Server`, whose
//! shutdown has no bound. Handlers run on the workers, each a single-threaded tokio runtime: one that
//! blocks holds up whatever else its worker serves. A panic in a handler is answered INTERNAL and touches
//! no other call.

mod application;
pub(crate) mod builtin;
mod call;
mod drain_error;
mod error;
mod in_memory;
pub mod logging;
mod options;
mod port;
mod register;
mod service;
mod service_fn;

#[cfg(test)]
mod tests;

pub use crate::events::{InFlight, OldestCall};
pub use crate::server::listen::{GrpcAddress, InMemory};
#[cfg(feature = "tls")]
pub use crate::server::tls::{ServerTls, TlsError};
pub use builtin::health;
pub use call::call_end::CallEnd;
pub use drain_error::DrainError;
pub use error::ServerError;
pub use logging::{EndedBy, GrpcLogging};
pub use options::GrpcServerOptions;
pub use register::middleware;
pub use register::registrar::{GrpcRegistrar, GrpcService, RegisterOnServer};
pub use service_fn::{GrpcServiceFn, grpc_service_fn};

pub(crate) use crate::server::gauge::Gauge;
pub(crate) use crate::server::listen::ServerAddress;
pub(crate) use crate::server::worker::stuck::WorkerStall;
pub(crate) use builtin::ids::SERVER_ID;
pub(crate) use service::Server;

/// Where the server listens unless it is told otherwise: port 50051 on all IPv4 interfaces.
pub const DEFAULT_GRPC_ADDRESS: &str = "0.0.0.0:50051";
