//! Requests of reqwest, traced.

use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::trace::Status;
use reqwest::{Client, Request, Response};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::instruments::{OTHER, Side, known, version};
use crate::otel::Shared;

/// Sends it within a span of its own, to the head of the answer.
pub(crate) async fn send(
    shared: &Shared,
    client: &Client,
    mut request: Request,
) -> reqwest::Result<Response> {
    let method = known(request.method()).unwrap_or(OTHER).to_owned();
    let mut url = request.url().clone();
    // What the conventions want to be kept from others: names, passwords, and what a query may hold.
    let (_, _) = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    let (address, port) = (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default());
    let span = tracing::info_span!(
        target: "majordomo_otel",
        "request",
        otel.name = if method == OTHER { "HTTP" } else { &method },
        otel.kind = "client",
        http.request.method = method,
        url.full = url.as_str(),
        server.address = address,
        server.port = port.map(i64::from),
    );
    shared.propagator.inject(&span.context(), request.headers_mut());
    let began = Instant::now();
    let sent = client.execute(request).instrument(span.clone()).await;
    let mut told = Vec::new();
    let error = match &sent {
        Ok(response) => {
            let status = response.status();
            told.push(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
            told.push(KeyValue::new("network.protocol.version", version(response.version())));
            let failed = status.is_client_error() || status.is_server_error();
            failed.then(|| status.as_str().to_owned())
        }
        Err(error) if error.is_timeout() => Some("timeout".to_owned()),
        Err(error) if error.is_connect() => Some("connect".to_owned()),
        Err(_) => Some(OTHER.to_owned()),
    };
    if let Some(error) = error {
        span.set_status(Status::error(sent.as_ref().err().map_or_else(String::new, ToString::to_string)));
        told.push(KeyValue::new("error.type", error));
    }
    for attribute in &told {
        span.set_attribute(attribute.key.clone(), attribute.value.clone());
    }
    told.push(KeyValue::new("http.request.method", method));
    told.push(KeyValue::new("server.address", address));
    told.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
    shared.instruments.request(Side::Client, began.elapsed(), &told);
    sent
}
