//! What the server answers beside gRPC.

use std::time::Duration;

use crate::grpc::GrpcServerOptions;
use crate::http::{HttpFallback, HttpServerOptions, HttpService, OnRequestEnd, RequestEnd};

/// # What is not gRPC
impl GrpcServerOptions {
    /// Answers what is not gRPC: requests whose content type does not begin with `application/grpc`. `service` is any `tower::Service` of
    /// requests that is `Clone`, an `axum::Router` as it is, as [`http_service`](crate::http_service) takes it. Replaces what was given
    /// before. Default: none; such requests are refused.
    ///
    /// With it the server speaks HTTP/1.1 and HTTP/2 (over TLS as ALPN chooses), and runs also where there is no gRPC service.
    /// Its requests are counted, limited, drained and named as those of an HTTP service are; [`make_span`](Self::make_span) and the limits of
    /// calls hold for them, too. Layers of gRPC calls are not around them.
    pub fn http_fallback(mut self, service: impl HttpService) -> Self {
        self.parts.http_fallback = Some(HttpFallback::new(service));
        self
    }

    /// Whether calls of gRPC-Web are answered, binary (`application/grpc-web`) and as text (`application/grpc-web-text`), over HTTP/1.1
    /// and HTTP/2. Each is translated to a call of gRPC, with the same layers, limits and log. Default: no.
    ///
    /// What browsers ask before a call from another origin (CORS) is not gRPC-Web: see
    /// [the guide](crate::guide::grpc#grpc-web) for a layer that answers it.
    ///
    /// Source: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>
    pub fn grpc_web(self, on: bool) -> Self {
        Self { grpc_web: on, ..self }
    }

    /// How many bytes the body of a request to the [fallback](Self::http_fallback) may have, as
    /// [`HttpServerOptions::max_body_size`]. Default: 2 MiB.
    pub fn max_body_size(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.http = self.http.max_body_size(bytes);
        self
    }

    /// How long nothing may come of the body of a request to the [fallback](Self::http_fallback), as
    /// [`HttpServerOptions::body_timeout`]. Default: 30 s.
    pub fn body_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.http = self.http.body_timeout(timeout);
        self
    }

    /// Is told of the end of each request to the [fallback](Self::http_fallback), as [`HttpServerOptions::on_request_end`]. Replaces what was
    /// given before. Default: nobody is told.
    pub fn on_request_end(mut self, observe: impl Fn(&RequestEnd<'_>) + Send + Sync + 'static) -> Self {
        self.parts.on_request_end = Some(OnRequestEnd::new(observe));
        self
    }

    /// How long a client of HTTP/1.1 may take for the head of a request, as [`HttpServerOptions::head_timeout`]. Default: 30 s.
    pub fn head_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.http = self.http.head_timeout(timeout);
        self
    }
}

/// What the server itself asks.
impl GrpcServerOptions {
    /// Whether anything but gRPC over HTTP/2 is spoken.
    pub(crate) fn speaks_more(&self) -> bool {
        self.grpc_web || self.parts.http_fallback.is_some()
    }

    /// How to serve.
    pub(crate) fn served(mut self) -> Self {
        if self.speaks_more() {
            self.engine.http1 = self.http.engine.http1;
        }
        self
    }

    /// How to serve what goes to the fallback.
    pub(crate) fn fallback_options(&self) -> HttpServerOptions {
        self.http.clone().observed_by(self.parts.make_span.clone(), self.parts.on_request_end.clone())
    }
}
