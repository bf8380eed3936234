//! What is to be sent, where, and how: from the environment, by the names that OpenTelemetry gives its variables.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/> and
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>. Those that the SDK reads by itself (`OTEL_RESOURCE_ATTRIBUTES`,
//! `OTEL_BSP_*`, `OTEL_TRACES_SAMPLER`, `OTEL_METRIC_EXPORT_INTERVAL`, headers, compression) are not repeated here.

use std::time::Duration;

use crate::error::OtelError;

/// How the collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// `http/protobuf`: messages of protobuf over HTTP/1.1. The default.
    HttpProtobuf,
    /// `grpc`.
    Grpc,
}

/// Traces, or metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signal {
    pub(crate) protocol: Protocol,
    /// The whole address of this signal.
    pub(crate) endpoint: String,
    pub(crate) timeout: Duration,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) service_name: Option<String>,
    /// `None`: they are not sent.
    pub(crate) traces: Option<Signal>,
    pub(crate) metrics: Option<Signal>,
    pub(crate) trace_context: bool,
    pub(crate) baggage: bool,
}

/// The names of a signal's variables, and its path over HTTP.
struct Names {
    exporter: &'static str,
    protocol: &'static str,
    endpoint: &'static str,
    timeout: &'static str,
    path: &'static str,
}

const TRACES: Names = Names {
    exporter: "OTEL_TRACES_EXPORTER",
    protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    timeout: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    path: "v1/traces",
};

const METRICS: Names = Names {
    exporter: "OTEL_METRICS_EXPORTER",
    protocol: "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    timeout: "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    path: "v1/metrics",
};

/// What a program says itself, which is before what the environment says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<Protocol>,
}

/// Reads a variable; an empty one is as good as none.
struct Variables<L>(L);

impl<L: Fn(&str) -> Option<String>> Variables<L> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The first of these that is set.
    fn first(&self, names: [&'static str; 2]) -> Option<(&'static str, String)> {
        names.into_iter().find_map(|name| Some((name, self.get(name)?)))
    }

    fn signal(&self, names: &Names, given: &Given) -> Result<Option<Signal>, OtelError> {
        match self.get(names.exporter).as_deref() {
            None | Some("otlp") => {}
            Some("none") => return Ok(None),
            Some(other) => {
                let (name, value) = (names.exporter, other.to_owned());
                return Err(OtelError::Variable { name, value, mend: "set it to otlp or none" });
            }
        }
        let protocol = match (given.protocol, self.first([names.protocol, "OTEL_EXPORTER_OTLP_PROTOCOL"])) {
            (Some(given), _) => given,
            (None, None) => Protocol::HttpProtobuf,
            (None, Some((name, value))) => match value.as_str() {
                "http/protobuf" => Protocol::HttpProtobuf,
                "grpc" => Protocol::Grpc,
                _ => {
                    return Err(OtelError::Variable { name, value, mend: "set it to http/protobuf or grpc" });
                }
            },
        };
        let with_path = |base: &str| match protocol {
            Protocol::HttpProtobuf => format!("{}/{}", base.trim_end_matches('/'), names.path),
            Protocol::Grpc => base.to_owned(),
        };
        let endpoint = match (&given.endpoint, self.get(names.endpoint)) {
            (Some(base), _) => with_path(base),
            (None, Some(whole)) => whole,
            (None, None) => with_path(&self.get("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap_or_else(|| {
                let port = if protocol == Protocol::Grpc { 4317 } else { 4318 };
                format!("http://localhost:{port}")
            })),
        };
        if endpoint.starts_with("https:") && cfg!(not(feature = "tls")) {
            return Err(OtelError::Tls { endpoint });
        }
        let timeout = match self.first([names.timeout, "OTEL_EXPORTER_OTLP_TIMEOUT"]) {
            None => Duration::from_secs(10),
            Some((name, value)) => match value.parse() {
                Ok(timeout) => Duration::from_millis(timeout),
                Err(_) => return Err(OtelError::Variable { name, value, mend: "give milliseconds" }),
            },
        };
        Ok(Some(Signal { protocol, endpoint, timeout }))
    }
}

impl Settings {
    /// By the variables that `lookup` tells.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>, given: &Given) -> Result<Self, OtelError> {
        let variables = Variables(lookup);
        let disabled = variables.get("OTEL_SDK_DISABLED").is_some_and(|on| on.eq_ignore_ascii_case("true"));
        let (mut trace_context, mut baggage) = (false, false);
        let propagators = variables.get("OTEL_PROPAGATORS");
        for one in propagators.as_deref().unwrap_or("tracecontext,baggage").split(',').map(str::trim) {
            match one {
                "tracecontext" => trace_context = true,
                "baggage" => baggage = true,
                "none" => {}
                _ => {
                    let (name, value) = ("OTEL_PROPAGATORS", propagators.clone().unwrap_or_default());
                    let mend = "list tracecontext and baggage, or say none";
                    return Err(OtelError::Variable { name, value, mend });
                }
            }
        }
        Ok(Self {
            service_name: variables.get("OTEL_SERVICE_NAME"),
            traces: if disabled { None } else { variables.signal(&TRACES, given)? },
            metrics: if disabled { None } else { variables.signal(&METRICS, given)? },
            trace_context,
            baggage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, OtelError> {
        let lookup = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::read(lookup, &Given::default())
    }

    fn endpoints(variables: &[(&str, &str)]) -> [String; 2] {
        let settings = read(variables).unwrap();
        [settings.traces, settings.metrics].map(|signal| signal.unwrap().endpoint)
    }

    #[test]
    fn without_variables_a_collector_on_this_machine_is_sent_all() {
        let settings = read(&[("OTEL_TRACES_EXPORTER", "")]).unwrap();
        let traces = settings.traces.unwrap();
        assert_eq!((traces.protocol, traces.timeout), (Protocol::HttpProtobuf, Duration::from_secs(10)));
        assert_eq!(traces.endpoint, "http://localhost:4318/v1/traces");
        assert_eq!(settings.metrics.unwrap().endpoint, "http://localhost:4318/v1/metrics");
        assert!(settings.trace_context && settings.baggage && settings.service_name.is_none());
    }

    #[test]
    fn the_variable_of_a_signal_is_before_that_of_all_and_is_its_whole_address() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1/");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:2/here");
        assert_eq!(endpoints(&[all]), ["http://all:1/v1/traces", "http://all:1/v1/metrics"]);
        assert_eq!(endpoints(&[all, traces]), ["http://traces:2/here", "http://all:1/v1/metrics"]);
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        assert_eq!(endpoints(&[grpc]), ["http://localhost:4317"; 2]);
        assert_eq!(endpoints(&[grpc, all]), ["http://all:1/"; 2]);
    }

    #[test]
    fn what_the_program_says_is_before_the_environment() {
        let given = Given { endpoint: Some("http://own:3".into()), protocol: Some(Protocol::HttpProtobuf) };
        let settings = Settings::read(|_| Some("grpc".into()), &given);
        // All else is nonsense, and refused.
        assert!(
            matches!(settings, Err(OtelError::Variable { name: "OTEL_PROPAGATORS", .. })),
            "{settings:?}"
        );
        let settings = Settings::read(|_| None, &given).unwrap();
        assert_eq!(settings.traces.unwrap().endpoint, "http://own:3/v1/traces");
    }

    #[test]
    fn nothing_is_sent_where_the_environment_says_so() {
        let off = read(&[("OTEL_SDK_DISABLED", "true")]).unwrap();
        assert_eq!((off.traces, off.metrics), (None, None));
        let half = read(&[("OTEL_METRICS_EXPORTER", "none"), ("OTEL_PROPAGATORS", "none")]).unwrap();
        assert!(half.traces.is_some() && half.metrics.is_none() && !half.trace_context && !half.baggage);
    }

    #[test]
    fn what_nobody_understands_is_refused_by_name() {
        for (name, value, mend) in [
            ("OTEL_TRACES_EXPORTER", "zipkin", "otlp or none"),
            ("OTEL_METRICS_EXPORTER", "prometheus", "otlp or none"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf or grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds"),
            ("OTEL_PROPAGATORS", "b3", "tracecontext"),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            for word in [name, value, mend, "unset it"] {
                assert!(error.contains(word), "{word}: {error}");
            }
        }
        if cfg!(not(feature = "tls")) {
            let error = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://all:1")]).unwrap_err();
            assert!(error.to_string().contains("https://all:1/v1/traces, which needs TLS"), "{error}");
        }
    }
}
