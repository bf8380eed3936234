//! The trace of a request: read from its headers, and written into them.

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use crate::settings::Settings;

/// W3C's `traceparent`, `tracestate` and `baggage`, as far as they are wanted.
#[derive(Debug)]
pub(crate) struct Propagator(TextMapCompositePropagator);

impl Propagator {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut all: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
        if settings.trace_context {
            all.push(Box::new(TraceContextPropagator::new()));
        }
        if settings.baggage {
            all.push(Box::new(BaggagePropagator::new()));
        }
        Self(TextMapCompositePropagator::new(all))
    }

    /// What these headers tell, and nothing of the thread that asks.
    pub(crate) fn extract(&self, headers: &HeaderMap) -> Context {
        self.0.extract_with_context(&Context::new(), &HeaderExtractor(headers))
    }

    pub(crate) fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.0.inject_context(context, &mut HeaderInjector(headers));
    }
}
