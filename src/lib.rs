//! majordomo
pub mod clients;
mod error;
pub mod events;
pub mod grpc;
mod lifecycle;
pub mod ping;
mod service;
mod supervision;

pub use error::*;
pub use grpc::{DEFAULT_GRPC_ADDRESS, GrpcRegistrar, GrpcServerOptions, GrpcService, RegisterOnServer};
pub use lifecycle::{Budget, BudgetError, Cause, ErrorStage, Outcome, SignalKind, Stage, Step};
pub use service::*;
