//! What the tests of the gRPC server's log share: a subscriber that records, and a described service of every kind of
//! method.

mod recorder;
mod server;
mod service;

pub(crate) use recorder::{Record, Recorder};
pub(crate) use server::{FINISHED, OPENED, PANICKED, REQUEST, RESPONSE, Served, messages};
pub(crate) use service::{Client, Held, Texts};
