//! Starting a server of actix-web around a user's factory: each request passes by us, on its way in and out.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;

use actix::Arbiter;
use actix_http::body::MessageBody;
use actix_http::{ConnectionType, HttpMessage, Request, Response, StatusCode};
use actix_server::Server;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, apply_fn_factory};
use actix_web::dev::AppConfig;
use actix_web::{Error, HttpServer};
use majordomo::sockets::StdListener;

use crate::activity::{Activity, begin};
use crate::open_body::OpenBody;
use crate::options::ActixWebOptions;

/// Makes a server that listens there. Its threads start when it is polled.
pub(crate) type Start =
    Box<dyn Fn(Vec<StdListener>, &Arc<Activity>, &ActixWebOptions) -> io::Result<Server> + Send>;

/// What makes an `App` on each worker: whatever [`HttpServer::new`] takes. Implemented by all of those, and by nothing else; the
/// compiler finds `M`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not make an `App` of actix-web",
    label = "give what `HttpServer::new` takes: a closure that is `Clone` and `Send`, such as `|| App::new().route(..)`"
)]
pub trait AppFactory<M>: 'static {
    /// Not for users.
    #[doc(hidden)]
    fn into_any(self) -> AnyFactory;
}

/// A factory, whatever its type.
#[doc(hidden)]
pub struct AnyFactory(pub(crate) Start);

#[diagnostic::do_not_recommend]
impl<F, I, S, B> AppFactory<(I, S, B)> for F
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    fn into_any(self) -> AnyFactory {
        AnyFactory(Box::new(move |listeners, activity, options| {
            let (factory, activity_of_workers) = (self.clone(), Arc::clone(activity));
            // Called on each worker.
            let observed = move || {
                let worker = activity_of_workers.workers.enter();
                let app = made(&factory, &activity_of_workers);
                let activity = Arc::clone(&activity_of_workers);
                let pass = move |request: Request, service: &S::Service| {
                    let open = begin(&worker, &request);
                    request.extensions_mut().insert(activity.shutdown.clone());
                    let answering = open.poll(|| service.call(request));
                    let activity = Arc::clone(&activity);
                    async move {
                        let mut answering = pin!(answering);
                        let answer = poll_fn(|cx| open.poll(|| answering.as_mut().poll(cx))).await?;
                        let mut response: Response<B> = answer.into();
                        if activity.is_closing() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                            response.head_mut().set_connection_type(ConnectionType::Close);
                        }
                        Ok(OpenBody::around(response, open, &activity))
                    }
                };
                apply_fn_factory::<I, S, _, _, Request, Request, _, _>(app, pass)
            };
            let activity = Arc::clone(activity);
            let mut server = HttpServer::new(observed).on_connect(move |_, data| {
                data.insert(activity.connect());
            });
            // Signals and time are the manager's: see `conduct.rs`.
            server = server.disable_signals().shutdown_timeout(u64::MAX);
            macro_rules! apply {
                ($($option:ident)*) => {
                    $(if let Some(value) = options.$option {
                        server = server.$option(value);
                    })*
                };
            }
            apply!(workers max_connections worker_max_blocking_threads keep_alive client_request_timeout);
            apply!(client_disconnect_timeout h1_allow_half_closed tcp_nodelay);
            if let Some(host) = &options.server_hostname {
                server = server.server_hostname(host);
            }
            for listener in listeners {
                server = match listener {
                    #[cfg(feature = "rustls")]
                    StdListener::Tcp(listener) if options.rustls.is_some() => {
                        let config = options.rustls.clone().ok_or(io::ErrorKind::InvalidInput)?;
                        server.listen_rustls_0_23(listener, config)?
                    }
                    StdListener::Tcp(listener) => server.listen(listener)?,
                    StdListener::Unix(listener) => server.listen_uds(listener)?,
                    _ => return Err(io::ErrorKind::Unsupported.into()),
                };
            }
            Ok(server.run())
        }))
    }
}

/// What the factory makes. A worker whose factory panics would stay for ever: actix forgets it.
fn made<I>(factory: &impl Fn() -> I, activity: &Activity) -> I {
    match catch_unwind(AssertUnwindSafe(factory)) {
        Ok(app) => app,
        Err(panic) => {
            activity.note_panic(text_of(&*panic));
            if let Some(arbiter) = Arbiter::try_current() {
                arbiter.stop();
            }
            resume_unwind(panic)
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("not a text").to_owned()
}
