//! Telemetry of one program.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use majordomo::http::HttpServerOptions;
use majordomo::{ManagerOptions, ResourceFn, ServiceSpec, Setup, WithSetup, provider_fn, resource_fn_with};
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracer, SdkTracerProvider};
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::client::ClientLayer;
use crate::delivery::{Counted, Delivery};
use crate::error::OtelError;
use crate::exporters::Exporters;
use crate::flush;
use crate::instruments::{Instruments, SCHEMA};
use crate::propagation::Propagator;
use crate::sending::Sending;
use crate::server;
use crate::settings::{Given, Protocol, Settings, Signal};

/// What a program says of its telemetry itself; all else is in the environment.
#[derive(Debug, Clone)]
#[must_use = "options do nothing until they are given to `Otel::new`"]
pub struct OtelOptions {
    service_name: String,
    given: Given,
    tolerates_loss: bool,
}

impl OtelOptions {
    /// Of a program of this name, which `OTEL_SERVICE_NAME` replaces.
    pub fn new(service_name: impl Into<String>) -> Self {
        Self { service_name: service_name.into(), given: Given::default(), tolerates_loss: false }
    }

    /// Where the collector is, `http://collector:4318`, before what the environment says. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`, or this
    /// machine.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.given.endpoint = Some(endpoint.into());
        self
    }

    /// How it is spoken to, before what the environment says. Default: `OTEL_EXPORTER_OTLP_PROTOCOL`, or
    /// [`Protocol::HttpProtobuf`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.given.protocol = Some(protocol);
        self
    }

    /// Whether a loss at the end is a warning in the log alone, in place of an error of the shutdown (exit code 3). Default: no.
    pub fn tolerate_loss(mut self, tolerates_loss: bool) -> Self {
        self.tolerates_loss = tolerates_loss;
        self
    }
}

/// Telemetry of one program: traces and metrics, sent to a collector. Clones are the same.
///
/// The queue of spans is bounded (`OTEL_BSP_MAX_QUEUE_SIZE`, 2048): when a collector is slow or dead, spans beyond it are dropped, and
/// no call waits for it. What was lost is told when telemetry is [released](Self::flush).
#[derive(Clone)]
pub struct Otel {
    shared: Arc<Shared>,
    /// Apart from what clients have: they send no spans.
    tracer: SdkTracer,
}

/// What all parts of it share.
pub(crate) struct Shared {
    pub(crate) propagator: Propagator,
    pub(crate) instruments: Instruments,
    pub(crate) delivery: Arc<Delivery>,
    /// `None`: nothing is sent.
    pub(crate) sending: Option<Arc<Sending>>,
    pub(crate) tracers: SdkTracerProvider,
    pub(crate) meters: SdkMeterProvider,
    pub(crate) endpoint: String,
    pub(crate) tolerates_loss: bool,
}

impl Otel {
    /// By the environment, of a program of this name. See [the guide](majordomo::guide::opentelemetry) for the variables.
    ///
    /// # Errors
    /// [`OtelError`], which names the variable. A collector that can't be reached is no error.
    pub fn from_env(service_name: impl Into<String>) -> Result<Self, OtelError> {
        Self::new(OtelOptions::new(service_name))
    }

    /// By these options, and the environment for all that they leave open.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn new(options: OtelOptions) -> Result<Self, OtelError> {
        let settings = Settings::read(|name| std::env::var(name).ok(), &options.given)?;
        let name = settings.service_name.clone().unwrap_or(options.service_name);
        let resource = Resource::builder().with_service_name(name).build();
        let delivery = Arc::<Delivery>::default();
        let sends = settings.traces.is_some() || settings.metrics.is_some();
        let sending = if sends { Some(Sending::start()?) } else { None };
        let (mut tracers, mut meters) = (SdkTracerProvider::builder(), SdkMeterProvider::builder());
        if let Some(sending) = &sending {
            let exporters = Exporters { sending, delivery: &delivery };
            if let Some(signal) = &settings.traces {
                let next = BatchSpanProcessor::builder(exporters.spans(signal)?).build();
                tracers = tracers.with_span_processor(Counted { delivery: Arc::clone(&delivery), next });
            }
            if let Some(signal) = &settings.metrics {
                meters = meters.with_periodic_exporter(exporters.metrics(signal)?);
            }
        }
        let tracers = tracers.with_resource(resource.clone()).build();
        let meters = meters.with_resource(resource).build();
        let scope = || {
            let scope = InstrumentationScope::builder("majordomo-otel");
            scope.with_version(env!("CARGO_PKG_VERSION")).with_schema_url(SCHEMA).build()
        };
        let endpoint = |signal: &Option<Signal>| signal.as_ref().map(|signal| signal.endpoint.clone());
        let shared = Shared {
            propagator: Propagator::new(&settings),
            instruments: Instruments::new(&meters.meter_with_scope(scope())),
            delivery,
            sending,
            endpoint: endpoint(&settings.traces).or_else(|| endpoint(&settings.metrics)).unwrap_or_default(),
            tracers: tracers.clone(),
            meters,
            tolerates_loss: options.tolerates_loss,
        };
        Ok(Self { shared: Arc::new(shared), tracer: tracers.tracer_with_scope(scope()) })
    }

    /// Makes spans of `tracing` those of OpenTelemetry: a layer of your subscriber, for level INFO and above. It is filtered by itself, so that
    /// filters of other layers do not take spans from it; give those by `with_filter`, too.
    ///
    /// The spans of services and resources, which last as long as these live, are left out: what is done in them begins a trace of its own.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        self.layer_at(LevelFilter::INFO)
    }

    /// The same at another level.
    pub fn layer_at<S>(&self, level: LevelFilter) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let is_told = |about: &Metadata<'_>| !(about.is_span() && is_of_a_life(about.target()));
        let filter = filter_fn(is_told).with_max_level_hint(level).and(level);
        tracing_opentelemetry::layer().with_tracer(self.tracer.clone()).with_filter(filter)
    }

    /// Traces and measures the calls of the manager's gRPC server, and the requests to its fallback: sets `grpc_make_span`,
    /// `grpc_on_call_end` and `http_fallback_on_request_end`.
    pub fn grpc(&self, options: ManagerOptions) -> ManagerOptions {
        let (calls, requests) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        options
            .grpc_make_span(self.make_span())
            .grpc_on_call_end(move |end| server::call_ended(&calls.instruments, end))
            .http_fallback_on_request_end(move |end| server::request_ended(&requests.instruments, end))
    }

    /// Traces and measures the requests of an HTTP service: sets `make_span` and `on_request_end`.
    pub fn http(&self, options: HttpServerOptions) -> HttpServerOptions {
        let shared = Arc::clone(&self.shared);
        options
            .make_span(self.make_span())
            .on_request_end(move |end| server::request_ended(&shared.instruments, end))
    }

    /// The span of a request, of its head: with the parent that its headers tell. For servers that [`grpc`](Self::grpc) and
    /// [`http`](Self::http) are not for.
    pub fn make_span(&self) -> impl Fn(&http::Request<()>) -> Span + Send + Sync + Clone + 'static {
        let shared = Arc::clone(&self.shared);
        move |head| server::make_span(&shared.propagator, head)
    }

    /// A layer for tonic's channels: see [`ClientLayer`].
    #[must_use]
    pub fn client_layer(&self) -> ClientLayer {
        ClientLayer::new(Arc::clone(&self.shared))
    }

    /// Sends a request of reqwest within a span, a child of the one that the caller is in, with its trace as `traceparent`, and measures
    /// `http.client.request.duration`. The span ends with the head of the answer.
    ///
    /// # Errors
    /// Those of `reqwest::Client::execute`.
    #[cfg(feature = "reqwest")]
    pub async fn send(
        &self,
        client: &reqwest::Client,
        request: reqwest::Request,
    ) -> reqwest::Result<reqwest::Response> {
        crate::client::send(&self.shared, client, request).await
    }

    /// Writes the trace of the span that the caller is in into these headers, for any other client.
    pub fn inject(&self, headers: &mut HeaderMap) {
        self.inject_context(&Span::current().context(), headers);
    }

    /// The same of another context, such as one that a message of a queue brought.
    pub fn inject_context(&self, context: &Context, headers: &mut HeaderMap) {
        self.shared.propagator.inject(context, headers);
    }

    /// A meter of the program's own, whose metrics are sent with the others.
    pub fn meter(&self, name: &'static str) -> Meter {
        self.shared.meters.meter(name)
    }

    /// The resource that sends what is left when it is released, on a thread of its own, in nine tenths of the time that is left, at most 5 s.
    /// What the collector did not take by then is a [`TelemetryLost`](crate::TelemetryLost). Start it before all that has something to tell of
    /// its end: what is started first is released last.
    ///
    /// From then on nothing is sent any more, until another of these is made.
    pub fn flush(&self) -> ResourceFn {
        if let Some(sending) = &self.shared.sending {
            sending.give_up_at(None);
        }
        let shared = Arc::clone(&self.shared);
        resource_fn_with(move |release| flush::release(shared, release))
    }

    /// A service, `telemetry`, that has this [resource](Self::flush): what depends on it is released before.
    pub fn service(&self) -> ServiceSpec<WithSetup<()>> {
        let otel = self.clone();
        provider_fn("telemetry", move |setup: Setup| {
            let flush = otel.flush();
            async move {
                setup.resources.start("flush", flush)?;
                Ok(())
            }
        })
    }
}

/// Whether spans of this target are those of services and resources.
fn is_of_a_life(target: &str) -> bool {
    target == "majordomo" || target.starts_with("majordomo::")
}

impl fmt::Debug for Otel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otel").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
