//! Clients, whose calls and requests carry the trace that they are part of.

mod body;
mod layer;
#[cfg(feature = "reqwest")]
mod send;

pub use body::ClientBody;
pub use layer::{ClientFuture, ClientLayer, ClientService};
#[cfg(feature = "reqwest")]
pub(crate) use send::send;
