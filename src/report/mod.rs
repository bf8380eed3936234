//! What a manager reports: errors by stage, panics, forced ends, and the shutdown report.

mod config_error;
mod forced;
mod handover;
mod manager;
mod record;
mod reload;
mod services;
mod shutdown_report;
mod threads;
#[cfg(feature = "tls")]
mod tls;

pub use config_error::ConfigError;
pub use forced::{ForcedError, Hold, NoAnswerError, ReturnedError, StuckError};
pub use handover::{HandoverError, SuccessorEnd};
pub use manager::{ManagerError, StageError};
pub use reload::ReloadError;
pub use services::{ServiceError, ServicesErrors};
pub use shutdown_report::{
    ResourceEnding, ResourceReport, RestartReport, ServiceReport, ShutdownReport, StepReport,
};
pub use threads::ForeignStopError;
#[cfg(feature = "tls")]
pub use tls::TlsError;

pub use crate::base::{BoxError, PanicError};

pub(crate) use record::ReportBuilder;
