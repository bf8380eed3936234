//! Why there is no telemetry, and what was lost of it.

use std::fmt;
use std::io;

/// Why there is no telemetry. Nothing has been started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtelError {
    /// A variable of the environment has a value that nobody understands.
    #[error("{name} is {value:?}: {mend}, or unset it")]
    Variable {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        mend: &'static str,
    },
    /// The collector is to be reached by TLS, of which this build has none.
    #[error(
        "the collector is at {endpoint}, which needs TLS: build majordomo-otel with its feature `tls`, or give an http:// endpoint"
    )]
    Tls {
        /// Where the collector is.
        endpoint: String,
    },
    /// Nothing can be sent with these settings.
    #[error("telemetry can't be sent to {endpoint} ({reason}): see OTEL_EXPORTER_OTLP_ENDPOINT and its kin")]
    Exporter {
        /// Where the collector is.
        endpoint: String,
        /// What OTLP's exporter says.
        reason: String,
    },
    /// There is no thread to send from.
    #[error("could not start the thread that sends telemetry ({0}): raise the limits of the process")]
    Thread(#[source] io::Error),
}

/// What had not reached the collector when telemetry was released. It comes from the resource that [`Otel::flush`](crate::Otel::flush)
/// makes, and so is in the shutdown's report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TelemetryLost {
    /// How many spans of those that were to be sent since the start of the program.
    pub spans: u64,
    /// How many were to be sent.
    pub of_spans: u64,
    /// Whether the last metrics were lost.
    pub metrics: bool,
    /// Where they were to go.
    pub endpoint: String,
    /// The last failure.
    pub reason: String,
}

impl fmt::Display for TelemetryLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spans, of) = (self.spans, self.of_spans);
        match (spans > 0, self.metrics) {
            (true, true) => write!(f, "{spans} of {of} spans and the last metrics were lost")?,
            (true, false) => write!(f, "{spans} of {of} spans were lost")?,
            _ => f.write_str("the last metrics were lost")?,
        }
        let (endpoint, reason) = (&self.endpoint, &self.reason);
        write!(
            f,
            ": {endpoint} did not take them ({reason}); see that a collector listens there, or set OTEL_EXPORTER_OTLP_ENDPOINT"
        )
    }
}

impl std::error::Error for TelemetryLost {}
