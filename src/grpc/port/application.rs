//! gRPC, gRPC-Web and the user's HTTP service at the same addresses.
//!
//! ```text
//!   content-type: application/grpc-web..  --> translated --> gRPC, over HTTP/1.1 and HTTP/2
//!   content-type: application/grpc..      ---------------> gRPC, over HTTP/2
//!   anything else                         --> the user's service, over HTTP/1.1 and HTTP/2
//! ```
//!
//! gRPC and HTTP are applications of the engine by themselves: counting, limits and the drain are theirs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use http::header::CONTENT_TYPE;
use http::{Request, Version};
use hyper::body::Incoming;

use crate::grpc::application::GrpcApplication;
use crate::grpc::port::answer::PortAnswer;
use crate::grpc::port::body::PortBody;
use crate::grpc::port::web::{WebAnswer, is_web};
use crate::http::HttpApplication;
use crate::server::application::Application;
use crate::server::connection::state::Connection;
use crate::server::listen::{Peer, Socket};
use crate::server::request_head;

const GRPC: &[u8] = b"application/grpc";

/// Hands each request to who answers it.
#[derive(Clone)]
pub(crate) struct PortApplication {
    grpc: GrpcApplication,
    /// `None`: gRPC refuses what is not its own.
    http: Option<HttpApplication>,
    /// Whether gRPC-Web is translated.
    web: bool,
    /// Whether clients of HTTP/1.1 are told to come back by another connection.
    closing: Arc<AtomicBool>,
}

impl PortApplication {
    pub(crate) fn new(
        grpc: GrpcApplication,
        http: Option<HttpApplication>,
        web: bool,
        closing: &Arc<AtomicBool>,
    ) -> Self {
        Self { grpc, http, web, closing: Arc::clone(closing) }
    }
}

/// Whether a request says that it is one of gRPC, in whatever form. That it is a good one is for gRPC to see.
fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).map(|value| value.as_bytes());
    let begins = content_type.and_then(|content_type| content_type.get(..GRPC.len()));
    begins.is_some_and(|begins| begins.eq_ignore_ascii_case(GRPC))
}

impl Application for PortApplication {
    type Body = PortBody;
    type Answer = PortAnswer;

    fn for_worker(&self) -> Self {
        let (grpc, http) = (self.grpc.for_worker(), self.http.as_ref().map(Application::for_worker));
        Self { grpc, http, ..self.clone() }
    }

    fn peer_of(&self, socket: Socket<'_>) -> Peer {
        self.grpc.peer_of(socket)
    }

    fn answer(&self, connection: &Arc<Connection>, mut request: Request<Incoming>) -> PortAnswer {
        let is_http1 = request.version() < Version::HTTP_2;
        // What can be read in two ways is no call, and is refused by whoever has it.
        let is_sound = !is_http1 || request_head::examine(&mut request).is_ok();
        if self.web && is_sound && is_web(&request) {
            return PortAnswer::Web(Box::new(WebAnswer::begin(
                &self.grpc,
                connection,
                request,
                &self.closing,
            )));
        }
        match &self.http {
            Some(http) if !is_sound || !is_grpc(&request) => {
                PortAnswer::Http(http.answer(connection, request))
            }
            _ if is_http1 => PortAnswer::Refused(Box::new(self.grpc.answer(connection, request))),
            _ => PortAnswer::Grpc(Box::new(self.grpc.answer(connection, request))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g19_what_says_that_it_is_grpc_goes_there_and_all_else_to_the_fallback() {
        let of = |content_type: &str| {
            is_grpc(&Request::builder().header("content-type", content_type).body(()).unwrap())
        };
        for grpc in
            ["application/grpc", "application/grpc+json", "Application/GRPC;a=b", "application/grpc-web"]
        {
            assert!(of(grpc), "{grpc}");
        }
        for other in ["", "application/grp", "text/plain;application/grpc", "application/json"] {
            assert!(!of(other), "{other}");
        }
        assert!(!is_grpc(&Request::new(())));
    }
}
