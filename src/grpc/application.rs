//! gRPC, as the application of an engine.

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;

use crate::grpc::call::body::CallBody;
use crate::grpc::call::call_state::Call;
use crate::grpc::call::connect_info;
use crate::grpc::call::context::CallContext;
use crate::grpc::call::request_source::RequestSource;
use crate::grpc::call::response_future::{Arrived, ResponseFuture};
use crate::grpc::logging::Logger;
use crate::grpc::options::GrpcServerOptions;
use crate::grpc::register::router::Router;
use crate::metrics::Meter;
use crate::server::admission::queue;
use crate::server::application::{Answer, Application, StreamHints};
use crate::server::connection::state::Connection;
use crate::server::listen::{Peer, Socket};

/// Answers calls by what is registered.
#[derive(Debug, Clone)]
pub(crate) struct GrpcApplication {
    pub(crate) router: Router,
    options: Arc<GrpcServerOptions>,
    logger: Arc<Logger>,
    meter: Meter,
}

impl GrpcApplication {
    pub(crate) fn new(router: Router, options: &GrpcServerOptions, logger: Logger, meter: Meter) -> Self {
        Self { router, options: Arc::new(options.clone()), logger: Arc::new(logger), meter }
    }
}

impl Application for GrpcApplication {
    type Body = CallBody;
    type Answer = ResponseFuture;

    fn for_worker(&self) -> Self {
        let context = Arc::new(CallContext::new(&self.options, &self.logger, self.meter.clone()));
        Self { router: self.router.local(&context), ..self.clone() }
    }

    fn peer_of(&self, socket: Socket<'_>) -> Peer {
        connect_info::of(socket)
    }

    fn answer(&self, connection: &Arc<Connection>, request: Request<Incoming>) -> ResponseFuture {
        self.begin(connection, request.map(RequestSource::Sent))
    }
}

impl GrpcApplication {
    /// Begins to answer a call.
    pub(crate) fn begin(
        &self,
        connection: &Arc<Connection>,
        request: Request<RequestSource>,
    ) -> ResponseFuture {
        let (request, span) = match &self.options.parts.make_span {
            None => (request, None),
            Some(make) => {
                let (request, span) = make.of(request);
                (request, Some(Box::new(span)))
            }
        };
        let route = self.router.find(request.uri().path());
        let (call, refusal) = Call::begin(Arc::clone(connection), &request, Arc::clone(&route.method), span);
        if let Some(refusal) = refusal {
            return ResponseFuture::refused(refusal, call);
        }
        let queued = connection.turns.as_ref().filter(|_| call.is_limited()).map(queue);
        ResponseFuture::handled(Arrived { request, handler: self.router.handler(route) }, queued, call)
    }
}

impl Answer<CallBody> for ResponseFuture {
    fn stream_hints(&self) -> StreamHints {
        let call = self.call();
        StreamHints { deadline: call.deadline().map(|deadline| deadline.at), cost: call.method.cost.heavy() }
    }
}
