//! The messages of a life.

use actix::Message;

use super::resources::Resources;
use super::signal::ShutdownSignal;
use crate::base::BoxError;

/// Set up what the service needs. The answer `Ok` means: ready to run.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), BoxError>")]
pub struct Setup {
    /// Starts resources that are released after the run.
    pub resources: Resources,
    /// Tells when to give up.
    pub shutdown: ShutdownSignal,
    /// A span with the fields `service` and `stage`, for the service's own log events.
    pub span: tracing::Span,
}

/// Run the main loop. Answered when it has ended: `Ok` ends this service alone, an error the whole manager.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), BoxError>")]
pub struct Run {
    /// Starts further resources.
    pub resources: Resources,
    /// Tells when to come to an end, and when it is too late to.
    pub shutdown: ShutdownSignal,
    /// A span with the fields `service` and `stage`, for the service's own log events.
    pub span: tracing::Span,
}

/// Come to an end. Sent once to each service whose `Run` is not over when shutdown begins.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), BoxError>")]
pub struct Shutdown {
    /// Tells how much time there is.
    pub shutdown: ShutdownSignal,
}
