//! majordomo
mod error;
pub mod events;
mod grpc;
mod lifecycle;
mod manager;
mod service;
mod supervision;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::*;
pub use grpc::{DEFAULT_GRPC_ADDRESS, GrpcRegistrar, GrpcServerOptions, GrpcService, RegisterOnServer};
pub use lifecycle::{Budget, BudgetError, Cause, ErrorStage, Outcome, SignalKind, Stage, Step};
pub use manager::*;
pub use service::*;
#[doc(hidden)]
pub mod ping {}
