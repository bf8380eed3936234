//! What can be set about the log of calls.

use tracing::Level;

/// How much of a message is shown unless it is said: 8 KiB.
const MAX_JSON_LENGTH: usize = 8 * 1024;

/// What the gRPC server logs of each call. Default: calls at
/// DEBUG, no messages, errors with their sources. [The module](crate::grpc::logging) tells what is in the events.
///
/// ```
/// use majordomo::{GrpcLogging, ManagerOptions};
/// use tracing::Level;
///
/// let logging = GrpcLogging::new().calls(Level::INFO).requests(Level::TRACE).responses(None);
/// let options = ManagerOptions::new().grpc_logging(logging);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "options do nothing until they are given to a manager"]
pub struct GrpcLogging {
    pub(crate) calls: Option<Level>,
    pub(crate) requests: Option<Level>,
    pub(crate) responses: Option<Level>,
    pub(crate) errors: bool,
    pub(crate) error_trace: bool,
    pub(crate) max_json_length: usize,
}

impl Default for GrpcLogging {
    fn default() -> Self {
        Self {
            calls: Some(Level::DEBUG),
            requests: None,
            responses: None,
            errors: true,
            error_trace: true,
            max_json_length: MAX_JSON_LENGTH,
        }
    }
}

impl GrpcLogging {
    /// The defaults, as each option tells.
    pub fn new() -> Self {
        Self::default()
    }

    /// At which level a call is logged when it ends, and a stream also when it opens; also the level of the span
    /// around handlers. Calls of the built-in health service are logged at TRACE instead: probes would drown all
    /// others; those of reflection and ping are logged as any. `None`: neither events nor spans. Default: DEBUG.
    pub fn calls(self, level: impl Into<Option<Level>>) -> Self {
        Self { calls: level.into(), ..self }
    }

    /// At which level each message of a request is logged. `None`: not at all. Default: `None`.
    ///
    /// Messages may hold what nobody is to read in a log.
    pub fn requests(self, level: impl Into<Option<Level>>) -> Self {
        Self { requests: level.into(), ..self }
    }

    /// At which level each message of an answer is logged. `None`: not at all. Default: `None`.
    ///
    /// Messages may hold what nobody is to read in a log.
    pub fn responses(self, level: impl Into<Option<Level>>) -> Self {
        Self { responses: level.into(), ..self }
    }

    /// Whether a call that did not end with OK is logged with its error, and at ERROR, whatever the level of calls,
    /// where the fault is the handler's: UNKNOWN, INTERNAL, DATA_LOSS, and UNIMPLEMENTED of a method that a registered
    /// descriptor set tells of. Not where the request is at fault, which nobody could read. Default: yes.
    ///
    /// A handler that panics is logged at ERROR in any case.
    pub fn errors(self, on: bool) -> Self {
        Self { errors: on, ..self }
    }

    /// Whether errors are logged with the chain of their sources, and panics with their backtrace, which there is
    /// only if `RUST_BACKTRACE` asks for it. Default: yes.
    pub fn error_trace(self, on: bool) -> Self {
        Self { error_trace: on, ..self }
    }

    /// How many bytes of a message's JSON are logged at most; where it is cut, `cut=true` says so. With 0, messages
    /// are logged by their size alone. Default: 8 KiB.
    pub fn max_json_length(self, bytes: usize) -> Self {
        Self { max_json_length: bytes, ..self }
    }

    /// Whether anything of messages is logged but their size.
    pub(crate) fn shows_messages(&self) -> bool {
        self.max_json_length > 0 && (self.requests.is_some() || self.responses.is_some())
    }
}
