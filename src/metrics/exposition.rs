//! Metrics as text, in one of two formats.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

use super::collect::Tells;
use super::meter::Meter;

/// A format that metrics are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Version 1.0.
    OpenMetrics,
    /// Version 0.0.4.
    Prometheus,
}

impl Format {
    /// Its media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
        }
    }
}

impl Meter {
    /// All that is counted.
    pub(crate) fn exposition(&self, format: Format) -> Result<String, Error> {
        let (mut registry, mut told) = (Registry::default(), String::new());
        if let Some(core) = self.core() {
            registry.register_collector(Box::new(Tells(Arc::clone(core))));
        }
        match format {
            Format::OpenMetrics => text::encode(&mut told, &registry)?,
            Format::Prometheus => prometheus_text::encode(&mut told, &registry)?,
        }
        Ok(told)
    }
}
