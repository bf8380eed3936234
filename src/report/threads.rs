//! Errors of threads: one that could not be started, and one that others stopped.

use super::ConfigError;
use crate::base::ThreadError;
use crate::events::Name;

/// Code on a thread of services or resources stopped the actix system of that thread, or its arbiter: `System::stop`, `Arbiter::stop`, or
/// a server that does so by itself, such as actix-web's `HttpServer` when a signal comes. The manager goes on and shuts down in order.
///
/// It is the source of a [`ServiceError`](crate::ServiceError) of the service that lives there. Have that code not stop systems, such as by
/// `HttpServer::disable_signals`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignStopError {
    /// The thread.
    pub thread: Name,
    /// Others who were polled on the same thread before it was noticed, and may have done it as well.
    pub or: Vec<Name>,
}

impl std::fmt::Display for ForeignStopError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a foreign System::stop or Arbiter::stop on its thread, {}", self.thread)?;
        if !self.or.is_empty() {
            write!(f, ", which may also be that of {}", self.or.join(" or "))?;
        }
        f.write_str(
            ": end a service by returning from Run, the manager by StartShutdown; give an HttpServer of actix-web disable_signals()",
        )
    }
}

impl std::error::Error for ForeignStopError {}

impl From<ThreadError> for ConfigError {
    fn from(error: ThreadError) -> Self {
        let (whom, error) = error.into_parts();
        Self::Thread { whom, error: error.to_string() }
    }
}
