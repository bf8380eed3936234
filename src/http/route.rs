//! What a request is called where whoever routes it says so: by its route, in place of the first segment of its path.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Request};
use tower::{Layer, Service};

use crate::http::label::RequestLabel;

/// Names a request by its route; in the extensions of each request of an HTTP service.
///
/// A route is the program's own text, as `/users/{id}`: reports, status, stalls and the log show it. A request that nobody
/// names is shown by its method and the first segment of its path.
#[derive(Debug, Clone)]
pub struct Route(pub(crate) Arc<RequestLabel>);

impl Route {
    /// From here on the request is called by its method and `route`, of which 256 bytes are shown. The first name counts.
    pub fn name(&self, route: &str) {
        self.0.name_route(route);
    }
}

/// A layer that names requests by the route that `find` reads from their extensions, if there is one.
///
/// It belongs where the route is known. In axum that is within the router:
///
/// ```
/// # #[derive(Clone)] struct MatchedPath; impl MatchedPath { fn as_str(&self) -> &str { "" } }
/// use http::Extensions;
/// use majordomo::http::name_routes;
/// // Its MatchedPath: use axum::extract::MatchedPath;
///
/// let by_route = name_routes(|request: &Extensions| request.get::<MatchedPath>().map(MatchedPath::as_str));
/// // Router::new().route("/users/{id}", get(user)).route_layer(by_route)
/// ```
pub fn name_routes<F>(find: F) -> NameRoutes<F>
where
    F: Fn(&Extensions) -> Option<&str> + Clone,
{
    NameRoutes { find }
}

/// The layer of [`name_routes`].
#[derive(Debug, Clone)]
pub struct NameRoutes<F> {
    find: F,
}

/// The service of [`name_routes`].
#[derive(Debug, Clone)]
pub struct NamedRoutes<S, F> {
    inner: S,
    find: F,
}

impl<S, F: Clone> Layer<S> for NameRoutes<F> {
    type Service = NamedRoutes<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        NamedRoutes { inner, find: self.find.clone() }
    }
}

impl<S, F, B> Service<Request<B>> for NamedRoutes<S, F>
where
    S: Service<Request<B>>,
    F: Fn(&Extensions) -> Option<&str>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let extensions = request.extensions();
        if let (Some(route), Some(name)) = (extensions.get::<Route>(), (self.find)(extensions)) {
            route.name(name);
        }
        self.inner.call(request)
    }
}
