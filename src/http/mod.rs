//! HTTP services: any [`tower::Service`], an `axum::Router` as it is, with all that the gRPC server has.
//!
//! ```
//! use std::convert::Infallible;
//! use majordomo::http::{self, HttpServerOptions};
//! use majordomo::{Manager, ManagerOptions, http_service};
//!
//! # #[actix::main]
//! # async fn main() {
//! let hello = tower::service_fn(|_request: ::http::Request<http::Body>| async {
//!     Ok::<_, Infallible>(::http::Response::new(http::Body::from("hello")))
//! });
//! let web = http_service("web", "127.0.0.1:0", hello).options(HttpServerOptions::new().max_body_size(64 * 1024));
//! let manager = Manager::new(ManagerOptions::new().grpc_ping_service(false)).service(web).start();
//! # manager.send(majordomo::WaitUntilRunning).await.unwrap().unwrap();
//! # manager.do_send(majordomo::StartShutdown);
//! # manager.send(majordomo::WaitForShutdown).await.unwrap().unwrap();
//! # }
//! ```
//!
//! It is bound in set-up, refuses connections until all services run, speaks HTTP/1.1 and HTTP/2, and drains: see
//! [the guide](crate::guide::http).
//!
//! A request's extensions hold the [`ShutdownSignal`](crate::ShutdownSignal) of the service, the [`Peer`], and its [`Route`].

mod alarm;
mod answer;
mod any_body;
mod application;
mod body;
mod call;
mod definition;
mod error;
mod fallback;
mod functions;
mod handler;
mod label;
mod options;
mod refusal;
mod remainder;
mod request_end;
mod response_body;
mod route;
mod route_costs;
mod server;
mod shared;
mod silence;

pub use crate::base::EndedBy;
pub use body::Body;
pub use call::Peer;
pub use error::HttpDrainError;
pub use functions::{HttpService, http_service, http_service_fn};
pub use options::HttpServerOptions;
pub use request_end::RequestEnd;
pub use route::{NameRoutes, NamedRoutes, Route, name_routes};
pub use server::HttpServer;

pub(crate) use answer::HttpAnswer;
pub(crate) use application::HttpApplication;
pub(crate) use definition::definition_of;
pub(crate) use error::is_in_use;
pub(crate) use fallback::HttpFallback;
pub(crate) use refusal::close_after;
pub(crate) use request_end::OnRequestEnd;
pub(crate) use response_body::{AnswerBody, Held};
