//! The messages of a life.

use actix::Message;

use super::provided::RequireError;
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

impl Setup {
    /// Provides a value for those services that depend on this one, directly or through others: a pool, a client, a handle of a
    /// runtime. It counts for this life: a restart provides anew, and restarts those that depend on this service with the new value.
    /// A second of one type replaces the first.
    pub fn provide<T: Clone + Send + Sync + 'static>(&self, value: T) {
        self.resources.provided().provide(self.resources.service(), value);
    }

    /// The epoch of this life's lease, where the service is [`only_with`](crate::ServiceSpec::only_with) one: a fencing token.
    pub fn epoch(&self) -> Option<u64> {
        self.resources.epoch()
    }

    /// A value that a service provides which this one depends on, directly or through others. The nearest counts.
    ///
    /// # Errors
    /// Where none of them has provided one of this type: says who requires it, and who has it without being depended on.
    pub fn require<T: Clone + Send + Sync + 'static>(&self) -> Result<T, RequireError> {
        self.resources.provided().require(self.resources.service())
    }
}

impl Run {
    /// The epoch of this life's lease, where the service is [`only_with`](crate::ServiceSpec::only_with) one. It is greater than that of any life before,
    /// on any replica: whoever is written to can refuse a writer whose epoch is older than one that it has seen.
    pub fn epoch(&self) -> Option<u64> {
        self.resources.epoch()
    }

    /// A value that a service provides which this one depends on: as [`Setup::require`].
    ///
    /// # Errors
    /// As [`Setup::require`] has them.
    pub fn require<T: Clone + Send + Sync + 'static>(&self) -> Result<T, RequireError> {
        self.resources.provided().require(self.resources.service())
    }
}
