//! A layer around tonic's channels: a span for each call, and its trace in the headers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{HeaderMap, Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::trace::Status;
use pin_project_lite::pin_project;
use tonic::Code;
use tower::{Layer, Service};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::body::ClientBody;
use crate::instruments::{Instruments, Side};
use crate::otel::Shared;
use crate::status::name;

/// Around a channel of tonic it makes a span of each call, a child of the one that the caller is in, sends its trace as `traceparent`, and
/// measures `rpc.client.call.duration`. [`Otel::client_layer`](crate::Otel::client_layer) makes it.
#[derive(Debug, Clone)]
pub struct ClientLayer {
    shared: Arc<Shared>,
    server: Option<(Arc<str>, u16)>,
}

impl ClientLayer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, server: None }
    }

    /// Whom the channel leads to, for the attributes `server.address` and `server.port`: a layer does not see that by itself.
    #[must_use]
    pub fn server(self, address: &str, port: u16) -> Self {
        Self { server: Some((address.into(), port)), ..self }
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> ClientService<S> {
        ClientService { inner, layer: self.clone() }
    }
}

/// A channel with a [`ClientLayer`] around it.
#[derive(Debug, Clone)]
pub struct ClientService<S> {
    inner: S,
    layer: ClientLayer,
}

/// A call that a client waits for. It ends once; dropped before, it was cancelled.
#[derive(Debug)]
pub(crate) struct ClientCall {
    span: Span,
    began: Instant,
    method: String,
    shared: Arc<Shared>,
    server: Option<(Arc<str>, u16)>,
    has_ended: bool,
}

impl ClientCall {
    fn begin(layer: &ClientLayer, path: &str, headers: &mut HeaderMap) -> Self {
        let method = path.trim_start_matches('/').to_owned();
        let (address, port) = (layer.server.as_ref().map(|at| &*at.0), layer.server.as_ref().map(|at| at.1));
        let span = tracing::info_span!(
            target: "majordomo_otel",
            "call",
            otel.name = method,
            otel.kind = "client",
            rpc.system.name = "grpc",
            rpc.method = method,
            server.address = address,
            server.port = port.map(i64::from),
        );
        layer.shared.propagator.inject(&span.context(), headers);
        let (shared, server) = (Arc::clone(&layer.shared), layer.server.clone());
        Self { span, began: Instant::now(), method, shared, server, has_ended: false }
    }

    /// As these headers or trailers say, if they do.
    pub(crate) fn told_by(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get("grpc-status") {
            self.end(Code::from_bytes(code.as_bytes()), None);
        }
    }

    pub(crate) fn end(&mut self, code: Code, why: Option<String>) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let status = name(code);
        self.span.set_attribute("rpc.response.status_code", status);
        let mut attributes = vec![
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", self.method.clone()),
            KeyValue::new("rpc.response.status_code", status),
        ];
        if let Some((address, port)) = &self.server {
            attributes.push(KeyValue::new("server.address", Arc::clone(address)));
            attributes.push(KeyValue::new("server.port", i64::from(*port)));
        }
        if code != Code::Ok {
            self.span.set_attribute("error.type", status);
            self.span.set_status(Status::error(why.unwrap_or_default()));
            attributes.push(KeyValue::new("error.type", status));
        }
        let instruments: &Instruments = &self.shared.instruments;
        instruments.call(Side::Client, self.began.elapsed(), &attributes);
    }
}

impl Drop for ClientCall {
    fn drop(&mut self) {
        self.end(Code::Cancelled, Some("the caller did not wait for it".to_owned()));
    }
}

impl<S, B, R> Service<Request<B>> for ClientService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: std::fmt::Display,
    R: http_body::Body,
{
    type Response = Response<ClientBody<R>>;
    type Error = S::Error;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let path = request.uri().path().to_owned();
        let call = ClientCall::begin(&self.layer, &path, request.headers_mut());
        let inner = call.span.in_scope(|| self.inner.call(request));
        ClientFuture { inner, call: Some(call) }
    }
}

pin_project! {
    /// The answer to a call of a [`ClientService`].
    #[derive(Debug)]
    pub struct ClientFuture<F> {
        #[pin]
        inner: F,
        call: Option<ClientCall>,
    }
}

impl<F, R, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: std::fmt::Display,
    R: http_body::Body,
{
    type Output = Result<Response<ClientBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = match this.call {
            Some(call) => call.span.in_scope(|| this.inner.poll(cx)),
            None => this.inner.poll(cx),
        };
        let result = std::task::ready!(polled);
        let call = this.call.take();
        Poll::Ready(match result {
            Ok(response) => {
                let call = call.map(|mut call| {
                    call.told_by(response.headers());
                    call
                });
                Ok(response.map(|body| ClientBody::new(body, call)))
            }
            Err(error) => {
                if let Some(mut call) = call {
                    call.end(Code::Unavailable, Some(error.to_string()));
                }
                Err(error)
            }
        })
    }
}
