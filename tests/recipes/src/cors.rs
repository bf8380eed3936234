//! gRPC-Web for a page of another origin.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method};
use majordomo::{GrpcServerOptions, ManagerOptions};
use tower::Layer;
use tower_http::cors::CorsLayer;

/// Those of gRPC-Web, for pages at `origin`; `router` is what else is at this address.
pub fn options(origin: HeaderValue, router: Router) -> ManagerOptions {
    let asks = ["content-type", "x-grpc-web", "x-user-agent", "grpc-timeout"];
    let reads = ["grpc-status", "grpc-message", "grpc-status-details-bin"];
    let cors = CorsLayer::new()
        .allow_origin([origin])
        .allow_methods([Method::POST])
        .allow_headers(asks.map(HeaderName::from_static))
        .expose_headers(reads.map(HeaderName::from_static));
    ManagerOptions::new()
        .grpc_server(GrpcServerOptions::new().grpc_web(true))
        .grpc_server_middleware(cors.clone())
        .http_fallback(cors.layer(router))
}
