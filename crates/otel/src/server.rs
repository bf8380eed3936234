//! Spans and metrics of what servers answer.
//!
//! ```text
//!   head of a request --make_span--> span, whose parent the header tells
//!                                      |  the handler runs in it
//!   CallEnd, RequestEnd ---------------+--> status, attributes --> closed, and sent
//!                       +------------------> metrics
//! ```

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, Request};
use majordomo::grpc::{self, CallEnd};
use majordomo::http::{self as majordomo_http, RequestEnd};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Status, TraceContextExt};
use tonic::Code;
use tracing::Span;
use tracing::field::{Empty, display};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::instruments::{Instruments, OTHER, Side, known, version};
use crate::propagation::Propagator;
use crate::status::name;

/// How many bytes of what a peer sent are kept in an attribute.
const LONGEST: usize = 256;

/// The health of a server is asked for as long as it lives: nobody wants to see that.
const HEALTH: &str = "/grpc.health.v1.Health/";

fn cut(text: &str) -> &str {
    let end = (0..=LONGEST.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(cut)
}

/// Whom a request is for, as it says itself.
fn server(head: &Request<()>) -> (Option<Cow<'_, str>>, Option<u16>) {
    let host = || text(head.headers(), &HOST)?.parse::<http::uri::Authority>().ok();
    match head.uri().authority().cloned().or_else(host) {
        Some(at) => (Some(cut(at.host()).to_owned().into()), at.port_u16()),
        None => (None, None),
    }
}

/// Makes the span of a call or request, as `make_span` wants it.
pub(crate) fn make_span(propagator: &Propagator, head: &Request<()>) -> Span {
    let content = text(head.headers(), &CONTENT_TYPE).unwrap_or_default();
    let span = if content.starts_with("application/grpc") { call(head) } else { request(head) };
    if span.is_disabled() {
        return span;
    }
    // It fails where no layer of OpenTelemetry listens.
    let _ = span.set_parent(propagator.extract(head.headers()));
    let context = span.context();
    let trace = context.span().span_context().trace_id();
    if trace != opentelemetry::TraceId::INVALID {
        span.record("trace_id", display(trace));
    }
    span
}

fn call(head: &Request<()>) -> Span {
    let path = head.uri().path();
    if path.starts_with(HEALTH) {
        return Span::none();
    }
    let (address, port) = server(head);
    tracing::info_span!(
        target: "majordomo_otel",
        parent: None,
        "call",
        otel.name = cut(path.trim_start_matches('/')),
        otel.kind = "server",
        rpc.system.name = "grpc",
        server.address = address.as_deref(),
        server.port = port.map(i64::from),
        trace_id = Empty,
    )
}

fn request(head: &Request<()>) -> Span {
    let method = known(head.method());
    let (address, port) = server(head);
    tracing::info_span!(
        target: "majordomo_otel",
        parent: None,
        "request",
        otel.name = method.unwrap_or("HTTP"),
        otel.kind = "server",
        http.request.method = method.unwrap_or(OTHER),
        http.request.method_original = method.is_none().then(|| cut(head.method().as_str())),
        url.path = cut(head.uri().path()),
        network.protocol.version = version(head.version()),
        server.address = address.as_deref(),
        server.port = port.map(i64::from),
        user_agent.original = text(head.headers(), &USER_AGENT),
        trace_id = Empty,
    )
}

/// Whether a server that answers so has failed.
fn is_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// Gives a span its name, where that is known at its end alone: a field `otel.name` would come too late.
fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// What a call's span says at its end, and what is measured.
pub(crate) fn call_ended(instruments: &Instruments, end: &CallEnd<'_>) {
    if end.method.starts_with(HEALTH) {
        return;
    }
    let method = end.method.trim_start_matches('/').to_owned();
    if method == OTHER {
        rename(end.span, OTHER.to_owned());
        end.span.set_attribute("rpc.method_original", end.path.trim_start_matches('/').to_owned());
    }
    let status = name(end.code);
    let mut attributes =
        vec![KeyValue::new("rpc.method", method), KeyValue::new("rpc.response.status_code", status)];
    if is_fault(end.code) {
        attributes.push(KeyValue::new("error.type", status));
        let why = match end.ended_by {
            grpc::EndedBy::Panic => Cow::Borrowed("the handler panicked"),
            by => format!("ended by its {by}").into(),
        };
        end.span.set_status(Status::error(why));
    }
    for attribute in &attributes {
        end.span.set_attribute(attribute.key.clone(), attribute.value.clone());
    }
    attributes.push(KeyValue::new("rpc.system.name", "grpc"));
    instruments.call(Side::Server, end.elapsed, &attributes);
}

/// What a request's span says at its end, and what is measured.
pub(crate) fn request_ended(instruments: &Instruments, end: &RequestEnd<'_>) {
    use majordomo_http::EndedBy;
    let method = known(end.method);
    let scheme = if end.is_secure { "https" } else { "http" };
    let mut attributes = vec![KeyValue::new("url.scheme", scheme)];
    if let Some(route) = end.route {
        rename(end.span, format!("{} {route}", method.unwrap_or("HTTP")));
        attributes.push(KeyValue::new("http.route", route.to_owned()));
    }
    if let Some(status) = end.status {
        attributes.push(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    }
    // An answer that went well until it broke off has no status to tell that.
    let broken = matches!(end.ended_by, EndedBy::Panic | EndedBy::Failure | EndedBy::Deadline);
    let error = match end.status {
        Some(status) if status.is_server_error() => Some(status.as_str().to_owned()),
        Some(_) if !broken => None,
        _ => Some(end.ended_by.to_string()),
    };
    if let Some(error) = error {
        attributes.push(KeyValue::new("error.type", error));
        let why = match end.ended_by {
            EndedBy::Panic => Cow::Borrowed("the handler panicked"),
            by => format!("ended by its {by}").into(),
        };
        end.span.set_status(Status::error(why));
    }
    for attribute in &attributes {
        end.span.set_attribute(attribute.key.clone(), attribute.value.clone());
    }
    attributes.push(KeyValue::new("http.request.method", method.unwrap_or(OTHER).to_owned()));
    attributes.push(KeyValue::new("network.protocol.version", version(end.version)));
    instruments.request(Side::Server, end.elapsed, &attributes);
}
