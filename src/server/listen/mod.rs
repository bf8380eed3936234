//! From an address to the bytes of a connection.
//!
//! ```text
//!   Setup                        Run                         until the drain begins
//!   ServerAddress --bind--> Bound --listen--> Listener --accept--> Stream --entry--> a worker
//!                            |                   |
//!                            +-------------------+-- closed, or dropped: given up; a Unix socket's file is removed
//! ```
//!
//! A server has all of its addresses or none: when one cannot be bound, those that were are given up. Sockets
//! that are inherited listen already, so clients that connect wait; what is bound here refuses until the run.

mod address;
mod backlog;
mod bind;
mod closing;
mod entry;
mod handed;
mod inherited;
mod listener;
mod listening;
mod memory;
mod owners;
pub(crate) mod passing;
mod peer;
mod registry;
mod unix;

pub use crate::base::GrpcAddress;
pub use listening::StdListener;
pub use memory::InMemory;

pub(crate) use address::ServerAddress;

pub(crate) use bind::{Bound, bind, bind_at_once};
pub(crate) use closing::HANDSHAKES;
pub(crate) use entry::{Accepted, Entry, RawStream};
pub(crate) use listener::{Listener, Stream, accept, close};
pub(crate) use listening::{Kept, Listening};
pub(crate) use peer::{Peer, Socket};
