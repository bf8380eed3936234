//! Rich errors between services: what is answered with an error over gRPC tells which error it is, what led to it and
//! which services it passed through, in Rust as in Go. Usable without a manager.
//!
//! ```text
//!   SentinelIssuer --sentinel--> SentinelError   which error: issuer and code
//!                                    |
//!   ErrorGenerator --error-----> ApiError        this occurrence: id, message, source, details, trace
//!                                    | ?
//!                              tonic::Status     with the trailer grpc-status-details-bin
//!                                    |
//!          server layer: every error of a handler is rich, panics too
//!                                    |  wire
//!          client layer: adds the caller's frame to the trace
//!                                    |
//!                              tonic::Status --ApiError::from_status--> ApiError
//! ```
//!
//! ```
//! use majordomo::api_errors::{ApiError, ERR_NOT_FOUND, ErrorGenerator, SentinelError, SentinelIssuer};
//! use tonic::{Code, Status};
//!
//! static HOGWARTS: SentinelIssuer = SentinelIssuer::new("Hogwarts", true);
//! static ROSTER_UPDATE: SentinelError =
//!     HOGWARTS.sentinel("RosterUpdate", 2000, Code::Internal, "the roster could not be updated");
//!
//! fn write(errors: &ErrorGenerator) -> Result<(), Status> {
//!     std::fs::read("/no/such/roster").map_err(|error| errors.error(&ROSTER_UPDATE).source(error))?;
//!     Ok(())
//! }
//!
//! let errors = ErrorGenerator::new("SortingHat").add_host(true);
//! let status = write(&errors).unwrap_err();
//! assert_eq!(status.code(), Code::Internal);
//! assert_eq!(status.message(), "(RosterUpdate | Hogwarts | 2000) the roster could not be updated");
//! let error = ApiError::from_status(&status).unwrap();
//! assert!(error.is(&ROSTER_UPDATE) && !error.is(&ERR_NOT_FOUND) && error.is_code(Code::Internal));
//! assert_eq!(error.trace()[0].app_name, "SortingHat");
//! ```
//!
//! What leaves the process beyond the error itself is asked for by name: the host, stack traces, the context that an
//! error is wrapped in, and the text of its source are off unless the [`ErrorGenerator`] is told otherwise.

mod api_error;
mod body;
mod chain;
mod client;
mod defaults;
mod details;
mod enrich;
mod generator;
mod headers;
mod not_found;
mod panic;
mod pass_on;
mod reissue;
mod sentinel;
mod server;
mod size;
mod source_note;
#[cfg(test)]
mod tests;
mod wire;

pub use api_error::ApiError;
pub use body::RichBody;
pub use chain::find;
pub use client::{ErrorClient, ErrorClientFuture, ErrorClientLayer};
pub use defaults::{
    DEFAULTS_ISSUER, ERR_ALREADY_EXISTS, ERR_NOT_FOUND, ERR_UNKNOWN, ERR_VALIDATION,
    reissue_default_sentinels,
};
pub use generator::ErrorGenerator;
pub use not_found::{NotFound, NotFoundFuture, NotFoundLayer, OrNothing};
pub use pass_on::PassOn;
pub use reissue::ReissueError;
pub use sentinel::{SentinelError, SentinelIssuer};
pub use server::{ErrorServer, ErrorServerFuture, ErrorServerLayer};
pub use wire::{cereal, pkerr};

pub use crate::base::{BoxError, PanicError};

pub(crate) use defaults::check_defaults;
