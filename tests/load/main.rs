//! The gRPC server under a mixed load, with restarts and connections that break.

mod mixed_load;
mod soak;
