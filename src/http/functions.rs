//! Making HTTP services.

use std::future::{Future, ready};
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Bytes;
use tower::Service;

use crate::base::BoxError;
use crate::events::Name;
use crate::http::body::Body;
use crate::http::definition::HttpDefinition;
use crate::http::handler::{Handler, MakeHandler, Tower};
use crate::http::options::HttpServerOptions;
use crate::http::server::HttpServer;
use crate::service::{ServiceSpec, Setup};

/// A service that answers requests, as [`http_service`] takes it: any `tower::Service` of requests that can be cloned, such as an
/// `axum::Router`. Implemented by all of those, and by nothing else.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer HTTP requests",
    label = "give a `tower::Service<http::Request<majordomo::http::Body>>` that is `Clone` and `Send`, whose answer is a `http::Response`"
)]
pub trait HttpService: Send + 'static {
    /// Not for users.
    #[doc(hidden)]
    fn into_handler(self) -> AnyHandler;
}

/// A service, whatever its type.
#[doc(hidden)]
pub struct AnyHandler(pub(crate) Box<dyn Handler>);

#[diagnostic::do_not_recommend]
impl<S, B> HttpService for S
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn into_handler(self) -> AnyHandler {
        AnyHandler(Box::new(Tower(self)))
    }
}

/// Serves HTTP at an address, which is written as
/// [`grpc_server_address`](crate::ManagerOptions::grpc_server_address) takes it: `127.0.0.1:8080`, `unix:PATH`, `systemd:NAME`. `service` is any
/// `tower::Service` of requests that is `Clone`, an `axum::Router` as it is.
///
/// It is bound in set-up, refuses connections until all services run, and drains when asked to stop. Where it listens is in
/// [`ServiceStatus::addresses`](crate::ServiceStatus::addresses). It can be restarted.
pub fn http_service(
    id: impl Into<String>,
    address: impl Into<String>,
    service: impl HttpService,
) -> ServiceSpec<HttpServer> {
    let AnyHandler(handler) = service.into_handler();
    let make: MakeHandler = Box::new(move |_| Box::pin(ready(Ok(handler.another()))));
    spec(id.into().into(), address.into(), make)
}

/// The same where the service is made in set-up, anew in every life of it: of a pool that is set up there, or of what others
/// provide.
///
/// ```
/// use std::convert::Infallible;
/// use majordomo::{http, http_service_fn};
///
/// let mut lives = 0;
/// let web = http_service_fn("web", "127.0.0.1:0", move |_setup| {
///     lives += 1;
///     async move {
///         Ok(tower::service_fn(move |_: ::http::Request<http::Body>| async move {
///             Ok::<_, Infallible>(::http::Response::new(http::Body::from(format!("life {lives}"))))
///         }))
///     }
/// });
/// ```
pub fn http_service_fn<F, Fut, S>(
    id: impl Into<String>,
    address: impl Into<String>,
    mut make: F,
) -> ServiceSpec<HttpServer>
where
    F: FnMut(Setup) -> Fut + Send + 'static,
    Fut: Future<Output = Result<S, BoxError>> + 'static,
    S: HttpService,
{
    let make: MakeHandler = Box::new(move |setup| {
        let making = make(setup);
        Box::pin(async move { Ok(making.await?.into_handler().0) })
    });
    spec(id.into().into(), address.into(), make)
}

fn spec(id: Name, address: String, make: MakeHandler) -> ServiceSpec<HttpServer> {
    let definition = Arc::new(HttpDefinition::new(address, HttpServerOptions::default()));
    let server = HttpServer::new(Arc::clone(&id), Arc::clone(&definition), make);
    let mut spec = ServiceSpec::local(id.to_string(), move || server).dedicated_thread();
    spec.server = Some(definition);
    spec
}

impl ServiceSpec<HttpServer> {
    /// How the server serves. Replaces what was given before.
    pub fn options(mut self, options: HttpServerOptions) -> Self {
        let Some(known) = self.server.take().and_then(|server| server.downcast::<HttpDefinition>().ok())
        else {
            return self;
        };
        let definition = Arc::new(known.with_options(options));
        let (make, its) = (self.make, Arc::clone(&definition));
        #[cfg(feature = "tls")]
        let has_files = definition.options.engine.tls.as_ref().is_some_and(|tls| tls.has_files());
        let spec =
            Self { make: Box::new(move || make().with_definition(its)), server: Some(definition), ..self };
        #[cfg(feature = "tls")]
        let spec = if has_files { spec.reloadable_on_demand() } else { spec };
        spec
    }
}
