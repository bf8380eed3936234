//! Middleware: [`tower::Layer`]s around the handlers of calls.
//!
//! ```text
//!   call --> logging --> ... --> second layer --> first layer --> errors --> not found --> your handler
//! ```
//!
//! Layers are added by [`ManagerOptions`](crate::ManagerOptions): for unary methods, for streaming methods, or for
//! all. The first one added is innermost. Which methods stream is known from the services' file descriptor sets;
//! where layers are for one kind only, each service must therefore add its set by
//! [`GrpcRegistrar::add_file_descriptor_set`](crate::GrpcRegistrar::add_file_descriptor_set), or its set-up fails.
//! Health and reflection have no layers of users around them; nor has a call of a method that nobody serves.
//!
//! A layer sees the HTTP request and response of a call, as around tonic's own server: tonic's interceptors
//! (`tonic::service::InterceptorLayer`) and the layers of `tower` and `tower-http` fit. An error of a layer is
//! answered as a status: a [`tonic::Status`] as it is, whatever else as UNKNOWN with its text. A panic of a handler, also in the
//! middle of a stream, is an answer for the layers around it: INTERNAL. A panic of a layer itself is answered INTERNAL, too.
//!
//! Where a manager has an [`ErrorGenerator`], handlers' errors and panics are [rich](crate::api_errors) before any layer
//! of users sees them.
//!
//! ```
//! use majordomo::ManagerOptions;
//! use tonic::service::InterceptorLayer;
//! use tonic::{Request, Status};
//!
//! fn authorized(call: Request<()>) -> Result<Request<()>, Status> {
//!     match call.metadata().get("authorization") {
//!         Some(token) if token == "Bearer secret" => Ok(call),
//!         _ => Err(Status::unauthenticated("send the token")),
//!     }
//! }
//! let options = ManagerOptions::new().grpc_server_middleware(InterceptorLayer::new(authorized));
//! ```

use std::fmt;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Bytes;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::api_errors::ErrorGenerator;
use crate::base::BoxError;
use crate::grpc::call::caught_panic;
pub use crate::grpc::register::handler::{GrpcHandler, HandlerFuture};
use crate::grpc::register::method_kind::MethodKind;
use crate::supervision::panics;

/// Which methods a layer is around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Unary,
    Streaming,
    All,
}

impl Scope {
    /// Whether it covers a method of this kind; one of an unknown kind only where it covers all.
    pub(crate) fn covers(self, kind: Option<MethodKind>) -> bool {
        match self {
            Self::All => true,
            Self::Unary => kind.is_some_and(MethodKind::is_unary),
            Self::Streaming => kind.is_some_and(|kind| !kind.is_unary()),
        }
    }
}

/// A [`Layer`] that can be around the handlers of a server. Implemented by each whose service takes a call as tonic
/// has it, answers with any body of bytes, and is `Clone + Send + Sync`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no layer for gRPC calls",
    note = "it must be a `tower::Layer<GrpcHandler>` that is `Send + Sync`, and its service a `Clone + Send + Sync` \
            `tower::Service<http::Request<tonic::body::Body>>` that answers an `http::Response`, by a future that \
            is `Send`"
)]
pub trait GrpcLayer: Send + Sync + 'static {
    /// The layer around a handler.
    fn around(&self, handler: GrpcHandler) -> GrpcHandler;
}

impl<L, B> GrpcLayer for L
where
    L: Layer<GrpcHandler> + Send + Sync + 'static,
    L::Service: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request<Body>>>::Error: Into<BoxError>,
    <L::Service as Service<Request<Body>>>::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn around(&self, handler: GrpcHandler) -> GrpcHandler {
        GrpcHandler::of_layered(self.layer(handler))
    }
}

/// A layer, and what it is around.
#[derive(Clone)]
pub(crate) struct Middleware {
    pub(crate) scope: Scope,
    pub(crate) layer: Arc<dyn GrpcLayer>,
    /// Whether it makes answers of the panics of handlers.
    pub(crate) catches: bool,
}

impl Middleware {
    pub(crate) fn new(scope: Scope, layer: impl GrpcLayer) -> Self {
        Self { scope, layer: Arc::new(layer), catches: false }
    }

    /// What makes errors rich. It catches panics, of which the call is told.
    pub(crate) fn errors(generator: &ErrorGenerator) -> Self {
        if generator.adds_stack_trace() {
            panics::capture_always();
        }
        let layer = generator.server_layer().ask(caught_panic::set);
        Self { catches: true, ..Self::new(Scope::All, layer) }
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Middleware").field("scope", &self.scope).finish_non_exhaustive()
    }
}
