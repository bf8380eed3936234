//! The gRPC servers side by side, cell by cell.
//!
//! ```text
//!   cell = what is asked, on how many connections, how many calls in flight on each
//!     round 1:  majordomo  tonic-mt  tonic-ct  bare ...     each a new server and a new load
//!     round 2:  majordomo  tonic-mt  ...
//! ```

mod busy;
mod contenders;
mod echo;
mod layers;
mod managed;
pub(crate) mod service;

pub(crate) use busy::BUSY;
pub(crate) use echo::{STREAM, UNARY};
pub(crate) use layers::LAYERS;
pub(crate) use managed::{Registers, open_streams};

/// What `proto/bench.proto` says.
pub(crate) mod pb {
    #![allow(missing_docs, unreachable_pub, clippy::all)] // generated
    tonic::include_proto!("majordomo.bench");
}
