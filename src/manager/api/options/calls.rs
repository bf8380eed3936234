//! Who sees calls of the gRPC server.

use super::ManagerOptions;
use crate::grpc::CallEnd;
use crate::http::RequestEnd;

/// # The gRPC server's calls, seen one by one
impl ManagerOptions {
    /// [`GrpcServerOptions::make_span`](crate::GrpcServerOptions::make_span). Replaces what was given before. Default: the span `call`.
    pub fn grpc_make_span(
        self,
        make: impl Fn(&http::Request<()>) -> tracing::Span + Send + Sync + 'static,
    ) -> Self {
        self.grpc(|server| server.make_span(make))
    }

    /// [`GrpcServerOptions::on_call_end`](crate::GrpcServerOptions::on_call_end). Replaces what was given before. Default: nobody is told.
    pub fn grpc_on_call_end(self, observe: impl Fn(&CallEnd<'_>) + Send + Sync + 'static) -> Self {
        self.grpc(|server| server.on_call_end(observe))
    }

    /// [`GrpcServerOptions::on_request_end`](crate::GrpcServerOptions::on_request_end), of what goes to
    /// [`http_fallback`](Self::http_fallback). Replaces what was given before. Default: nobody is told.
    pub fn http_fallback_on_request_end(
        self,
        observe: impl Fn(&RequestEnd<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.grpc(|server| server.on_request_end(observe))
    }
}
