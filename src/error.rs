//! What a manager reports: errors by stage, panics, forced ends, and the shutdown report.

mod forced;
mod manager;
mod panic;
mod record;
mod report;
mod services;

pub use forced::{ForcedError, Hold, NoAnswerError};
pub use manager::{ConfigError, ManagerError, StageError, exit};
pub use panic::PanicError;
pub use report::{ResourceEnding, ResourceReport, ServiceReport, ShutdownReport, StepReport};
pub use services::{ServiceError, ServicesErrors};

pub(crate) use forced::seconds;
pub(crate) use record::ReportBuilder;

/// What user code may answer with: any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
