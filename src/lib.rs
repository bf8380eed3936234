//! majordomo
mod error;
pub mod events;
mod lifecycle;
mod service;
mod supervision;

pub use error::*;
pub use lifecycle::{Budget, BudgetError, Cause, ErrorStage, Outcome, SignalKind, Stage, Step};
pub use service::*;
