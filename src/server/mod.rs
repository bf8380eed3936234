//! The engine of a server: it listens, accepts, deals connections out to workers, serves them, and drains.

pub(crate) mod acceptor;
pub(crate) mod admission;
pub(crate) mod application;
pub(crate) mod check;
pub(crate) mod conduct;
pub(crate) mod connection;
pub(crate) mod crew;
pub(crate) mod definition;
pub(crate) mod drain;
pub(crate) mod error;
pub(crate) mod gauge;
pub(crate) mod give_way;
pub(crate) mod held_bytes;
pub(crate) mod leaving;
pub(crate) mod listen;
pub(crate) mod make_span;
pub(crate) mod notice;
pub(crate) mod open_calls;
pub(crate) mod options;
pub(crate) mod request_head;
pub(crate) mod sockets;
pub(crate) mod state;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(feature = "tls")]
pub(crate) mod tls;
pub(crate) mod worker;
