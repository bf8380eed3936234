//! Which handler answers which call.
//!
//! ```text
//!   /pkg.Service/Method --of the server's own--> its handler
//!                       --of users, known---> layers --> dispatch --> its handler
//!                       --else--> UNIMPLEMENTED
//! ```
//!
//! Everything is put together before the first call comes: a call costs one lookup. tonic's own `Routes` would do
//! the same by a general web router, at several allocations a call. Each layer is asked once for
//! its service, of which every worker has a clone: what clones share holds for all methods that it is around.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use crate::base::peer_text;
use crate::grpc::call::context::CallContext;
use crate::grpc::register::handler::{GrpcHandler, HandlerFuture};
use crate::grpc::register::method_kind::MethodKind;
use crate::grpc::register::methods::Method;
use crate::grpc::register::middleware::{Middleware, Scope};
use crate::server::worker::balance::Cost;

/// All names are ours, so nobody can make them collide; a call is looked up by its hash alone.
type Names<N> = HashMap<N, Route, foldhash::fast::RandomState>;

/// What is served, by name.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// By path.
    methods: Names<Box<str>>,
    /// By the name of a service: what is served of it beyond the methods that are known.
    services: Names<&'static str>,
    nothing: Route,
}

/// Where a call goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route {
    pub(crate) method: Arc<Method>,
    /// `None`: it is not served.
    handler: Option<GrpcHandler>,
}

impl Route {
    pub(crate) fn new(method: Method, handler: GrpcHandler) -> Self {
        Self { method: Arc::new(method), handler: Some(handler) }
    }

    fn local(&self, context: &Arc<CallContext>) -> Self {
        let Method { described, built_in, served, availability, cost: _, context: _, meter: _ } =
            &*self.method;
        let (described, availability) = (described.clone(), availability.clone());
        let (built_in, served) = (*built_in, *served);
        let context = Arc::clone(context);
        let path = described.as_ref().map(|described| &*described.path);
        let kind = described.as_ref().map_or("unary", |described| described.kind.short());
        let meter = context.meter.method(path, kind);
        let cost = Cost::default();
        let method = Method { described, built_in, served, availability, cost, context, meter };
        Self { method: Arc::new(method), handler: self.handler.as_ref().map(GrpcHandler::local) }
    }

    fn kind(&self) -> Option<MethodKind> {
        self.method.described.as_ref().map(|described| described.kind)
    }

    fn handle(&self, request: Request<Body>) -> HandlerFuture {
        match &self.handler {
            Some(handler) => handler.handle(request),
            None => Box::pin(std::future::ready(Ok(unserved(request.uri().path()).into_http()))),
        }
    }
}

/// What a call is answered that nothing serves.
pub(crate) fn unserved(path: &str) -> Status {
    Status::unimplemented(format!("this server has no method {}", peer_text::shown(path)))
}

impl Table {
    pub(crate) fn add_method(&mut self, path: &str, route: Route) {
        self.methods.insert(path.into(), route);
    }

    /// Serves the methods of a service that have not been added themselves.
    pub(crate) fn add_service(&mut self, name: &'static str, route: Route) {
        self.services.insert(name, route);
    }

    fn local(&self, context: &Arc<CallContext>) -> Self {
        let methods = self.methods.iter().map(|(path, route)| (path.clone(), route.local(context)));
        let services = self.services.iter().map(|(name, route)| (*name, route.local(context)));
        Self {
            methods: methods.collect(),
            services: services.collect(),
            nothing: self.nothing.local(context),
        }
    }

    fn find(&self, path: &str) -> &Route {
        if let Some(route) = self.methods.get(path) {
            return route;
        }
        let service =
            path.strip_prefix('/').and_then(|path| path.split_once('/')).map(|(service, _)| service);
        service.and_then(|service| self.services.get(service)).unwrap_or(&self.nothing)
    }
}

/// Has calls answered.
#[derive(Debug, Clone)]
pub(crate) struct Router {
    table: Arc<Table>,
    /// The layers of users, around everything that is not the server's own; `None` where there are none.
    layered: Option<GrpcHandler>,
}

impl Router {
    /// A router of what is in the table, with layers around what is of users, the first of them innermost.
    pub(crate) fn new(table: Table, layers: &[Middleware]) -> Self {
        let table = Arc::new(table);
        let dispatch = || GrpcHandler::of_service(Dispatch(Arc::clone(&table)));
        let layered = layers.iter().fold(None, |inner: Option<GrpcHandler>, layer| {
            let inner = inner.unwrap_or_else(dispatch);
            let Middleware { scope, layer, .. } = layer;
            let (scope, layered) = (*scope, layer.around(inner.clone()));
            Some(match scope {
                Scope::All => layered,
                _ => {
                    GrpcHandler::of_service(Fork { scope, layered, other: inner, table: Arc::clone(&table) })
                }
            })
        });
        Self { table, layered }
    }

    /// The same router for one worker: counting and measuring calls touches nothing that others touch.
    pub(crate) fn local(&self, context: &Arc<CallContext>) -> Self {
        let layered = self.layered.as_ref().map(GrpcHandler::local);
        Self { table: Arc::new(self.table.local(context)), layered }
    }

    pub(crate) fn find(&self, path: &str) -> &Route {
        self.table.find(path)
    }

    /// What answers a call that goes there; `None`: it is not served.
    pub(crate) fn handler(&self, route: &Route) -> Option<GrpcHandler> {
        let handler = route.handler.as_ref()?;
        let layered = self.layered.as_ref().filter(|_| !route.method.built_in);
        Some(layered.unwrap_or(handler).clone())
    }
}

/// Below all layers, where each call goes its way.
#[derive(Debug, Clone)]
struct Dispatch(Arc<Table>);

/// Around a layer that is not for all.
#[derive(Debug, Clone)]
struct Fork {
    scope: Scope,
    layered: GrpcHandler,
    other: GrpcHandler,
    table: Arc<Table>,
}

impl Dispatch {
    fn handle(&self, request: Request<Body>) -> HandlerFuture {
        self.0.find(request.uri().path()).handle(request)
    }
}

impl Fork {
    fn handle(&self, request: Request<Body>) -> HandlerFuture {
        let kind = self.table.find(request.uri().path()).kind();
        if self.scope.covers(kind) { &self.layered } else { &self.other }.handle(request)
    }
}

macro_rules! always_ready {
    ($($handler:ty),*) => {$(
        impl Service<Request<Body>> for $handler {
            type Response = Response<Body>;
            type Error = Infallible;
            type Future = HandlerFuture;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: Request<Body>) -> HandlerFuture {
                self.handle(request)
            }
        }
    )*};
}

always_ready!(GrpcHandler, Dispatch, Fork);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::builtin::health::{HealthServer, HealthService, NAME};
    use crate::grpc::register::methods::Described;

    #[test]
    fn a_path_leads_to_its_method_else_to_its_service_else_nowhere() {
        let handler = GrpcHandler::of_service(HealthServer::new(HealthService::new()));
        let described = Described {
            path: "/grpc.health.v1.Health/Check".into(),
            kind: MethodKind::Unary,
            input: "In".to_owned(),
            output: "Out".to_owned(),
        };
        let mut table = Table::default();
        let method = Method { described: Some(described), built_in: true, ..Method::default() };
        table.add_method("/grpc.health.v1.Health/Check", Route::new(method, handler.clone()));
        table.add_service(NAME, Route::new(Method::default(), handler));

        let check = table.find("/grpc.health.v1.Health/Check");
        assert!(check.handler.is_some() && check.kind() == Some(MethodKind::Unary));
        let other = table.find("/grpc.health.v1.Health/Other");
        assert!(other.handler.is_some() && other.kind().is_none());
        for path in ["", "/", "grpc.health.v1.Health/Check", "/grpc.health.v1.Health", "//Check", "/a.B/C"] {
            assert!(table.find(path).handler.is_none(), "{path}");
        }
    }
}
