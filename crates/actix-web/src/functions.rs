//! Making services of actix-web.

use majordomo::{BoxError, ServiceSpec, Setup};

use crate::factory::AppFactory;
use crate::options::ActixWebOptions;
use crate::server::{ActixWebServer, spec};

/// Serves an `App` of actix-web at an address, which is written as
/// [`grpc_server_address`](majordomo::ManagerOptions::grpc_server_address) takes it: `127.0.0.1:8080`, `unix:PATH`, `systemd:NAME`.
/// `factory` is what [`HttpServer::new`](actix_web::HttpServer::new) takes: it is called by each worker, in every life.
///
/// It is bound in set-up, refuses connections until all services run, and drains when asked to stop. Where it listens is in
/// [`ServiceStatus::addresses`](majordomo::ServiceStatus::addresses). It can be restarted.
pub fn actix_web_service<M>(
    id: impl Into<String>,
    address: impl Into<String>,
    factory: impl AppFactory<M> + Clone + Send,
) -> ServiceSpec<ActixWebServer> {
    actix_web_service_with(id, address, ActixWebOptions::new(), factory)
}

/// The same with options.
///
/// ```
/// use actix_web::{App, web};
/// use majordomo_actix_web::{ActixWebOptions, actix_web_service_with};
///
/// let options = ActixWebOptions::new().workers(2).keep_alive(std::time::Duration::from_secs(30));
/// let web = actix_web_service_with("web", "127.0.0.1:8080", options, || {
///     App::new().route("/", web::get().to(async || "hello"))
/// });
/// ```
pub fn actix_web_service_with<M>(
    id: impl Into<String>,
    address: impl Into<String>,
    options: ActixWebOptions,
    factory: impl AppFactory<M> + Clone + Send,
) -> ServiceSpec<ActixWebServer> {
    actix_web_service_fn(id, address, options, move |_| {
        let factory = factory.clone();
        async { Ok(factory) }
    })
}

/// The same where the factory is made in set-up, anew in every life: of a pool that is set up there, or of what others provide.
///
/// ```
/// use actix_web::{App, web};
/// use majordomo::Setup;
/// use majordomo_actix_web::{ActixWebOptions, actix_web_service_fn};
///
/// let options = ActixWebOptions::new();
/// let web = actix_web_service_fn("web", "127.0.0.1:8080", options, |setup: Setup| async move {
///     let greeting: String = setup.require()?; // a service that this one depends on provides it
///     Ok(move || App::new().app_data(web::Data::new(greeting.clone())))
/// });
/// ```
pub fn actix_web_service_fn<M, F, Fut>(
    id: impl Into<String>,
    address: impl Into<String>,
    options: ActixWebOptions,
    mut make: impl FnMut(Setup) -> Fut + Send + 'static,
) -> ServiceSpec<ActixWebServer>
where
    F: AppFactory<M>,
    Fut: Future<Output = Result<F, BoxError>> + 'static,
{
    let make = move |setup: Setup| -> crate::server::Making {
        let making = make(setup);
        Box::pin(async move { Ok(making.await?.into_any().0) })
    };
    spec(id.into(), address.into(), options, Box::new(make))
}
