//! A manager, seen from outside: one HTTP endpoint, on a thread of its own.
//!
//! ```text
//!   connection.rs   a connection: its time, its bytes, its end             the shell: sockets and hyper
//!   endpoint.rs     the thread: bound before set-up begins, last to go           places.rs    how many at once, and who makes room
//!   ------------------------------------------------------------------
//!   responder.rs    a request -> its answer
//!   rights.rs       who may ask, and who may order                         functions of a request, without a socket
//!   route.rs        which path is what                      page.rs           for people, in a browser
//!   probes.rs       live, ready, started                    event_stream.rs   what happens, as it happens
//!   metrics.rs      for Prometheus
//!   ------------------------------------------------------------------
//!   managed.rs      what is asked of a manager: a trait, which `manager/` implements
//! ```
//!
//! It is up before set-up begins and goes after [`Stopped`](crate::events::LifecycleEvent::Stopped) has been told. It is no service: nobody depends
//! on it, and it carries no code of services. Bounds: `bounds.rs`.

mod accept;
mod answer;
mod bounds;
mod connection;
mod credentials;
mod endpoint;
mod event_stream;
#[cfg(test)]
mod fake;
mod health;
mod hosts;
mod io_limit;
mod managed;
mod metrics;
mod options;
mod order_request;
mod page;
mod places;
mod probes;
mod refusal;
mod responder;
mod rights;
mod route;
mod token;

pub use options::Operations;

pub(crate) use endpoint::{Endpoint, Gate, LINGER};
pub(crate) use health::Health;
pub(crate) use managed::{Document, Follower, Later, Managed, Order};
pub(crate) use options::{CheckedOperations, Redact};
pub(crate) use refusal::Refusal;
