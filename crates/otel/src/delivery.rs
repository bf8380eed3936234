//! What was to be sent, what arrived, and why the rest did not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// The account of one program's spans.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Those that were to be sent.
    ended: AtomicU64,
    arrived: AtomicU64,
    /// The last failure: as the connection tells it, and as the exporter does.
    network: Mutex<Option<String>>,
    reason: Mutex<Option<String>>,
}

impl Delivery {
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Acquire)
    }

    pub(crate) fn arrive(&self, spans: usize) {
        self.arrived.fetch_add(spans as u64, Ordering::AcqRel);
    }

    /// The connection failed so, which the exporter does not say.
    pub(crate) fn network_failed(&self, reason: String) {
        *self.network.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    pub(crate) fn failed(&self, reason: String) {
        let network = self.network.lock().unwrap_or_else(PoisonError::into_inner).take();
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(network.unwrap_or(reason));
    }

    pub(crate) fn reason(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Counts the spans that go to another processor.
#[derive(Debug)]
pub(crate) struct Counted<P> {
    pub(crate) delivery: std::sync::Arc<Delivery>,
    pub(crate) next: P,
}

impl<P: SpanProcessor> SpanProcessor for Counted<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.delivery.ended.fetch_add(1, Ordering::AcqRel);
        }
        self.next.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}
