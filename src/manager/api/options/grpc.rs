//! The options of the gRPC server, as far as most programs need them.

use super::ManagerOptions;
use crate::api_errors::ErrorGenerator;
use crate::grpc::middleware::GrpcLayer;
use crate::grpc::{GrpcLogging, GrpcServerOptions, InMemory};
use crate::http::HttpService;

/// # The gRPC server
impl ManagerOptions {
    /// The options of the gRPC server. Default: [`GrpcServerOptions::default`].
    ///
    /// They replace those that were given here before, and what a method below gave stays where they say nothing of it. The methods below are
    /// those of [`GrpcServerOptions`] for what most programs need.
    pub fn grpc_server(mut self, options: GrpcServerOptions) -> Self {
        let before = std::mem::take(&mut self.grpc_server.parts);
        Self { grpc_server: options.after(before), ..self }
    }

    /// Where the gRPC server listens: [`GrpcServerOptions::addresses`] with this address alone. Replaces all addresses that were given
    /// before. Default: [`DEFAULT_GRPC_ADDRESS`](crate::DEFAULT_GRPC_ADDRESS).
    pub fn grpc_server_address(self, address: impl Into<String>) -> Self {
        self.grpc_server_addresses([address])
    }

    /// [`GrpcServerOptions::addresses`]. Replaces all addresses that were given before.
    pub fn grpc_server_addresses(self, addresses: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.grpc(|server| server.addresses(addresses))
    }

    /// [`GrpcServerOptions::in_memory`]. Adds to what was given before.
    pub fn grpc_in_memory(self, memory: &InMemory) -> Self {
        self.grpc(|server| server.in_memory(memory))
    }

    /// [`GrpcServerOptions::depends_on`]. Adds to what was given before.
    pub fn grpc_depends_on(self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.grpc(|server| server.depends_on(ids))
    }

    /// No gRPC at all: no ping service, and so no gRPC server. A service that answers gRPC calls is then refused.
    pub fn without_grpc(mut self) -> Self {
        self.without_grpc = true;
        self.grpc_ping_service(false)
    }

    /// [`GrpcServerOptions::http_fallback`]: answers what is not gRPC at gRPC's addresses, over HTTP/1.1, too. Replaces what was given
    /// before. Default: none.
    pub fn http_fallback(self, service: impl HttpService) -> Self {
        self.grpc(|server| server.http_fallback(service))
    }

    /// [`GrpcServerOptions::ping_service`]. Replaces what was said before. Default: yes.
    pub fn grpc_ping_service(self, on: bool) -> Self {
        self.grpc(|server| server.ping_service(on))
    }

    /// [`GrpcServerOptions::middleware`]. Adds a layer around all methods.
    pub fn grpc_server_middleware(self, layer: impl GrpcLayer) -> Self {
        self.grpc(|server| server.middleware(layer))
    }

    /// [`GrpcServerOptions::unary_middleware`]. Adds a layer around unary methods.
    pub fn grpc_unary_server_middleware(self, layer: impl GrpcLayer) -> Self {
        self.grpc(|server| server.unary_middleware(layer))
    }

    /// [`GrpcServerOptions::stream_middleware`]. Adds a layer around streaming methods.
    pub fn grpc_stream_server_middleware(self, layer: impl GrpcLayer) -> Self {
        self.grpc(|server| server.stream_middleware(layer))
    }

    /// [`GrpcServerOptions::error_generator`]. Replaces what was given before. Default: none.
    pub fn error_generator(self, generator: ErrorGenerator) -> Self {
        self.grpc(|server| server.error_generator(generator))
    }

    /// [`GrpcServerOptions::err_not_found_middleware`]. Default: no.
    pub fn err_not_found_middleware(self) -> Self {
        self.grpc(GrpcServerOptions::err_not_found_middleware)
    }

    /// [`GrpcServerOptions::logging`]. Replaces what was given before. Default: [`GrpcLogging::default`].
    pub fn grpc_logging(self, logging: GrpcLogging) -> Self {
        self.grpc(|server| server.logging(logging))
    }

    /// [`GrpcServerOptions::without_logging`]. Replaces what was given before.
    pub fn without_grpc_logging(self) -> Self {
        self.grpc(GrpcServerOptions::without_logging)
    }

    pub(super) fn grpc(self, change: impl FnOnce(GrpcServerOptions) -> GrpcServerOptions) -> Self {
        Self { grpc_server: change(self.grpc_server), ..self }
    }
}
