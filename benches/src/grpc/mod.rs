//! The gRPC servers side by side, cell by cell.
//!
//! ```text
//!   cell = what is asked, on how many connections, how many calls in flight on each
//!     round 1:  majordomo  tonic-mt  tonic-ct  bare ...     each a new server and a new load
//!     round 2:  majordomo  tonic-mt  ...
//! ```

pub(crate) mod busy;
mod cells;
mod measure;
pub(crate) mod service;
mod targets;
pub(crate) mod unary;

pub(crate) use measure::MeasureError;

/// What `proto/bench.proto` says.
pub(crate) mod pb {
    #![allow(missing_docs, unreachable_pub, clippy::all)] // generated
    tonic::include_proto!("majordomo.bench");
}
