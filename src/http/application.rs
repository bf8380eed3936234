//! HTTP, as the application of an engine.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::Request;
use hyper::body::Incoming;

use crate::http::answer::HttpAnswer;
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::handler::Handler;
use crate::http::options::HttpServerOptions;
use crate::http::refusal::Refusal;
use crate::http::response_body::AnswerBody;
use crate::http::route::Route;
use crate::http::route_costs::RouteCosts;
use crate::http::shared::Shared;
use crate::server::application::Application;
use crate::server::connection::state::Connection;
use crate::server::listen::{Peer, Socket};
use crate::server::request_head;

/// Answers requests by a service of a user's.
pub(crate) struct HttpApplication {
    handler: Box<dyn Handler>,
    options: HttpServerOptions,
    shared: Arc<Shared>,
    /// What its worker knows of them.
    costs: Arc<RouteCosts>,
}

impl HttpApplication {
    pub(crate) fn new(handler: Box<dyn Handler>, options: HttpServerOptions, shared: Arc<Shared>) -> Self {
        Self { handler, options, shared, costs: Arc::default() }
    }
}

impl Clone for HttpApplication {
    fn clone(&self) -> Self {
        let (options, shared, costs) =
            (self.options.clone(), Arc::clone(&self.shared), Arc::clone(&self.costs));
        Self { handler: self.handler.another(), options, shared, costs }
    }
}

impl Application for HttpApplication {
    type Body = AnswerBody;
    type Answer = HttpAnswer;

    fn for_worker(&self) -> Self {
        Self { shared: self.shared.for_worker(), costs: Arc::default(), ..self.clone() }
    }

    fn peer_of(&self, socket: Socket<'_>) -> Peer {
        let address = match socket {
            Socket::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(feature = "tls")]
            Socket::Tls(stream) => stream.get_ref().0.peer_addr().ok(),
            Socket::Unix(_) | Socket::InMemory => None,
        };
        Peer { address, secure: socket.is_secure(), details: Box::new(()) }
    }

    fn answer(&self, connection: &Arc<Connection>, mut request: Request<Incoming>) -> HttpAnswer {
        let fault = request_head::examine(&mut request).err().map(Refusal::Head);
        let (request, span) = self.options.span(&self.shared.service, request);
        let number = connection.worker.calls.load(Ordering::Relaxed);
        let cost = self.costs.of(request.method(), request.uri(), number);
        let (call, refusal) = Call::begin(connection, &request, (span, cost), &self.shared);
        if let Some(refusal) = fault.or(refusal) {
            return HttpAnswer::refused(refusal, call);
        }
        let mut request = request.map(|body| Body::incoming(body, &call));
        let extensions = request.extensions_mut();
        extensions.insert(call.peer());
        extensions.insert(self.shared.shutdown.clone());
        extensions.insert(Route(Arc::clone(call.label())));
        HttpAnswer::handled(self.handler.handle(request), call)
    }
}
