//! What the contracts in `proto/` generate.

#![allow(clippy::all)]

tonic::include_proto!("grpc.testing");

pub(crate) mod outsiders {
    tonic::include_proto!("outsiders");
}

/// What describes both to reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/outsiders.bin"));
