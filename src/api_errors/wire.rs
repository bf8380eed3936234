//! The messages of rich errors, as `proto/` has them.

/// The error of a service, as it is sent.
#[allow(clippy::all, clippy::doc_markdown)]
pub mod pkerr {
    include!("../generated/pkerr.rs");
}

/// What identifies an occurrence of an error, as it is sent.
#[allow(clippy::all)]
pub mod cereal {
    include!("../generated/cereal.rs");
}

/// The trailer `grpc-status-details-bin`.
#[allow(unreachable_pub, clippy::all)]
pub(super) mod rpc {
    include!("../generated/google.rpc.rs");
}
