//! The messages of rich errors, as `proto/` has them.

/// The error of a service, as it is sent.
#[allow(clippy::all, clippy::doc_markdown)]
pub mod pkerr {
    tonic::include_proto!("pkerr");
}

/// What identifies an occurrence of an error, as it is sent.
#[allow(clippy::all)]
pub mod cereal {
    tonic::include_proto!("cereal");
}

/// The trailer `grpc-status-details-bin`.
#[allow(unreachable_pub, clippy::all)]
pub(super) mod rpc {
    tonic::include_proto!("google.rpc");
}
