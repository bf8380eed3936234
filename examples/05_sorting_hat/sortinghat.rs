//! What `build.rs` makes of `proto/sorting_hat.proto`.

#![allow(clippy::all)]

tonic::include_proto!("sortinghat");

/// What describes them to reflection and to the log.
pub(crate) const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sorting_hat.bin"));
