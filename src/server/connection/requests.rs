//! What hyper hands requests to.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use crate::server::application::{Answer, Application};
use crate::server::connection::state::Connection;
use crate::server::worker::stream_executor::StreamExecutor;

/// Hands the requests of one connection to the application.
pub(crate) struct Requests<A> {
    pub(crate) application: A,
    pub(crate) connection: Arc<Connection>,
}

impl<A: Application> hyper::service::Service<Request<Incoming>> for Requests<A> {
    type Response = Response<A::Body>;
    type Error = Infallible;
    type Future = A::Answer;

    fn call(&self, request: Request<Incoming>) -> A::Answer {
        let answer = self.application.answer(&self.connection, request);
        StreamExecutor::announce(answer.stream_hints());
        answer
    }
}
