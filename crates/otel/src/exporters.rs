//! OTLP's exporters, by the settings.

use std::sync::Arc;

use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig,
};

use crate::delivery::Delivery;
use crate::error::OtelError;
use crate::sending::{Noted, Sending, Sent};
use crate::settings::{Protocol, Signal};

/// What both exporters are made of.
pub(crate) struct Exporters<'a> {
    pub(crate) sending: &'a Arc<Sending>,
    pub(crate) delivery: &'a Arc<Delivery>,
}

/// The builders have these methods in common, but no trait.
macro_rules! exporter {
    ($exporters:expr, $signal:expr, $builder:expr) => {{
        // Connections are made where they will live.
        let _within = $exporters.sending.enter();
        let (endpoint, timeout) = ($signal.endpoint.clone(), $signal.timeout);
        let built = match $signal.protocol {
            Protocol::Grpc => $builder.with_tonic().with_endpoint(endpoint).with_timeout(timeout).build(),
            Protocol::HttpProtobuf => {
                let client = $exporters.client($signal)?;
                let builder = $builder.with_http().with_protocol(opentelemetry_otlp::Protocol::HttpBinary);
                builder.with_http_client(client).with_endpoint(endpoint).with_timeout(timeout).build()
            }
        };
        $exporters.sent($signal, built)
    }};
}

impl Exporters<'_> {
    pub(crate) fn spans(&self, signal: &Signal) -> Result<Sent<SpanExporter>, OtelError> {
        exporter!(self, signal, SpanExporter::builder())
    }

    pub(crate) fn metrics(&self, signal: &Signal) -> Result<Sent<MetricExporter>, OtelError> {
        exporter!(self, signal, MetricExporter::builder())
    }

    fn sent<E>(&self, signal: &Signal, built: Result<E, ExporterBuildError>) -> Result<Sent<E>, OtelError> {
        let refused = |error: ExporterBuildError| OtelError::Exporter {
            endpoint: signal.endpoint.clone(),
            reason: error.to_string(),
        };
        let (sending, delivery) = (Arc::clone(self.sending), Arc::clone(self.delivery));
        Ok(Sent { sending, delivery, next: built.map_err(refused)? })
    }

    #[cfg(not(feature = "tls"))]
    fn client(&self, signal: &Signal) -> Result<Noted<HyperClient>, OtelError> {
        Ok(self.noted(HyperClient::with_default_connector(signal.timeout, None)))
    }

    /// It trusts whom the system trusts.
    #[cfg(feature = "tls")]
    fn client(&self, signal: &Signal) -> Result<Noted<HyperClient<Connector>>, OtelError> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots();
        let connector = connector.map_err(|error| OtelError::Exporter {
            endpoint: signal.endpoint.clone(),
            reason: format!("no certificates of the system can be read: {error}"),
        })?;
        let connector = connector.https_or_http().enable_http1().build();
        Ok(self.noted(HyperClient::new(connector, signal.timeout, None)))
    }

    fn noted<C>(&self, next: C) -> Noted<C> {
        Noted { delivery: Arc::clone(self.delivery), next }
    }
}

#[cfg(feature = "tls")]
type Connector = hyper_rustls::HttpsConnector<hyper_util::client::legacy::connect::HttpConnector>;
