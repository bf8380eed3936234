//! The thread that the connections to the collector live on, and the exporters that use it.
//!
//! ```text
//!   spans ----> queue (bounded) ----> thread of the batches --+
//!   metrics ----------------------> thread of the intervals --+--> block on --> connections, on "otel-sending"
//!                                                             |
//!                                               or until the time is over
//! ```
//!
//! No thread of the program's own drives a connection: OTLP's exporters wait for their answers by blocking, which a runtime of
//! one thread would never give them. What these threads do is not traced itself.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tracing::{Dispatch, dispatcher};

use crate::delivery::Delivery;
use crate::error::OtelError;

/// The thread; it ends when this is dropped.
pub(crate) struct Sending {
    handle: Handle,
    /// When whatever is being sent is given up.
    until: watch::Sender<Option<Instant>>,
    _stop: oneshot::Sender<()>,
}

impl Sending {
    pub(crate) fn start() -> Result<Arc<Self>, OtelError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(OtelError::Thread)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let run = move || {
            dispatcher::with_default(&Dispatch::none(), || drop(runtime.block_on(stopped)));
        };
        thread::Builder::new().name("otel-sending".into()).spawn(run).map_err(OtelError::Thread)?;
        Ok(Arc::new(Self { handle, until: watch::Sender::new(None), _stop: stop }))
    }

    /// Within it, which those who make connections need.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.handle.enter()
    }

    /// Everything that is sent is given up then; `None`: each has its own time.
    pub(crate) fn give_up_at(&self, at: Option<Instant>) {
        self.until.send_replace(at);
    }

    /// Whether nothing is sent any more.
    fn is_over(&self) -> bool {
        self.until.borrow().is_some_and(|at| at <= Instant::now())
    }

    /// Waits for it, on a thread that may be blocked.
    fn wait(&self, sent: impl Future<Output = OTelSdkResult>) -> OTelSdkResult {
        let mut until = self.until.subscribe();
        let began = Instant::now();
        let given_up = async move {
            loop {
                let at = *until.borrow_and_update();
                let over = async {
                    match at {
                        Some(at) => tokio::time::sleep_until(at.into()).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = over => return,
                    // This thread's own sender lives as long as it waits.
                    _ = until.changed() => {}
                }
            }
        };
        let waited = async {
            tokio::select! {
                biased;
                () = given_up => Err(OTelSdkError::Timeout(began.elapsed())),
                result = sent => result,
            }
        };
        dispatcher::with_default(&Dispatch::none(), || self.handle.block_on(waited))
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}

/// An exporter that sends from that thread, and keeps account.
#[derive(Debug)]
pub(crate) struct Sent<E> {
    pub(crate) sending: Arc<Sending>,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) next: E,
}

impl<E> Sent<E> {
    fn send(&self, sent: impl Future<Output = OTelSdkResult>) -> OTelSdkResult {
        if self.sending.is_over() {
            // Why is known from what was sent before, if anything was.
            return Err(OTelSdkError::Timeout(Duration::ZERO));
        }
        let result = self.sending.wait(sent);
        if let Err(error) = &result {
            self.delivery.failed(match error {
                OTelSdkError::Timeout(after) => format!("no answer within {after:.1?}"),
                other => other.to_string(),
            });
        }
        result
    }
}

impl<E: SpanExporter> SpanExporter for Sent<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.send(self.next.export(batch))?;
        self.delivery.arrive(spans);
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Sent<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.send(self.next.export(metrics))
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.next.temporality()
    }
}

/// A client of HTTP that tells why a connection failed, which OTLP's exporter keeps to itself.
#[derive(Debug)]
pub(crate) struct Noted<C> {
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) next: C,
}

#[tonic::async_trait]
impl<C: HttpClient> HttpClient for Noted<C> {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let result = self.next.send_bytes(request).await;
        match &result {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => self.delivery.network_failed(format!("it answered {}", response.status())),
            Err(error) => self.delivery.network_failed(with_sources(&**error)),
        }
        result
    }
}

/// An error, and all that led to it.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = source.source();
    }
    text
}
