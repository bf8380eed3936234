//! A service that answers at the addresses of another server what that one does not.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use crate::events::Name;
use crate::http::application::HttpApplication;
use crate::http::functions::{AnyHandler, HttpService};
use crate::http::options::HttpServerOptions;
use crate::http::shared::Shared;
use crate::metrics::{Meter, RequestMeter};
use crate::service::ShutdownSignal;

/// A service of a user's that stands behind another server. Clones are the same service.
#[derive(Clone)]
pub(crate) struct HttpFallback(Arc<Mutex<AnyHandler>>);

impl HttpFallback {
    pub(crate) fn new(service: impl HttpService) -> Self {
        Self(Arc::new(Mutex::new(service.into_handler())))
    }

    /// What answers by it, in the server of that id. `closing`: whether clients are told to come back by another connection.
    pub(crate) fn application(
        &self,
        server: Name,
        options: &HttpServerOptions,
        shutdown: ShutdownSignal,
        closing: &Arc<AtomicBool>,
        meter: &Meter,
    ) -> HttpApplication {
        let shared = Arc::new(Shared {
            service: server,
            shutdown,
            max_body_size: options.max_body_size,
            body_timeout: options.body_timeout,
            closing: Arc::clone(closing),
            on_request_end: options.on_request_end.clone(),
            meter: meter.clone(),
            requests: RequestMeter::default(),
        });
        let handler = self.0.lock().unwrap_or_else(PoisonError::into_inner).0.another();
        HttpApplication::new(handler, options.clone(), shared)
    }
}

impl fmt::Debug for HttpFallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFallback").finish_non_exhaustive()
    }
}
