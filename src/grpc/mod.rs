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

mod acceptor;
mod admission;
mod answer;
mod balance;
mod begin;
mod body;
mod call;
mod call_path;
mod connection;
mod deadline;
mod drain;
mod error;
mod gates;
mod gauge;
mod handler;
pub mod health;
mod intake;
pub mod logging;
mod messages;
mod methods;
pub mod middleware;
mod open_calls;
mod options;
mod reflection;
mod registrar;
mod request;
mod router;
mod serve;
mod server;
mod streams;
mod stuck;
mod term;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod unread;
mod wire;
mod worker;

#[cfg(test)]
mod tests;

pub use crate::events::{InFlight, OldestCall};
pub use drain::DrainError;
pub use error::ServerError;
pub use logging::GrpcLogging;
pub use options::GrpcServerOptions;
pub use registrar::{GrpcRegistrar, GrpcService, RegisterOnServer};
#[cfg(feature = "tls")]
pub use tls::{ServerTls, TlsError};
pub use transport::{GrpcAddress, InMemory};

pub(crate) use gauge::Gauge;
pub(crate) use server::{SERVER_ID, Server};
pub(crate) use stuck::WorkerStall;
pub(crate) use transport::ServerAddress;

/// Where the server listens unless it is told otherwise: port 50051 on all IPv4 interfaces. Answers to the
/// seed's `DefaultGrpcAddress`.
pub const DEFAULT_GRPC_ADDRESS: &str = "0.0.0.0:50051";
